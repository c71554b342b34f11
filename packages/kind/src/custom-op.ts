import type { NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** An op with a hand-written gradient, in the form of nn's fused ops. */
interface CustomOp {
  readonly inputs: NamedTensorMap;
  /** Computes the result off the tape; `save` (once) names the tensors that the backward pass needs. */
  readonly forward: (save: (tensors: Tensor[]) => void) => Tensor;
  /** One function an input; only those whose gradient is wanted are called. */
  readonly backward: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
}

/** The engine's method behind `tf.customGrad`, which would compute the gradients of frozen inputs too. */
interface KernelFuncEngine {
  runKernelFunc(params: {
    inputs: NamedTensorMap;
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor;
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor;
}

/** Runs `forward` as one node of the tape. */
export function customOp({ inputs, forward, backward }: CustomOp): Tensor {
  const engine = tf.engine() as unknown as KernelFuncEngine;
  return engine.runKernelFunc({ inputs, forwardFunc: (_backend, save) => forward(save), backwardsFunc: backward });
}

/** Whether the active backend has a kernel of that name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/** Runs a kernel that {@link hasKernel} found; always a list of outputs. */
export function runKernel(name: string, inputs: NamedTensorMap, attrs: NamedAttrMap): Tensor[] {
  const result = tf.engine().runKernel(name, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(result) ? result : [result];
}
