import type { NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { needsInputGrad } from '../core/needs-input-grad';
import { asFunctions, type Gradient, recordOp, recordsHere, tapeEngine } from '../core/tape';

/** A function with its own gradient, see {@link customOp}. */
export interface CustomOp<T extends Tensor, Name extends string> {
  /** Differentiable inputs by name. */
  readonly inputs: Readonly<Record<Name, Tensor>>;
  /**
   * Computes the result. `save`, called at most once, names the tensors that the backward pass needs. Where `taped` is
   * false there is no backward pass, and tensors that only serve it need not be computed.
   */
  readonly forward: (save: (tensors: Tensor[]) => void, taped: boolean) => T;
  /**
   * One function for each input. Only those whose gradient is needed are called, each in a scope of its own. Where one
   * kernel computes several gradients, it gives them as tensors, and `needsInputGrad` tells which it can leave out; under
   * `tf.grads` and its like all are needed.
   */
  readonly backward: (
    dy: T,
    saved: Tensor[],
    needsInputGrad: (name: Name) => boolean,
  ) => Readonly<Record<Name, Gradient>>;
}

/** The engine's method behind `tf.customGrad`; TypeScript calls it private, tfjs-core 4 has it under this name. */
interface KernelFuncEngine {
  runKernelFunc(params: {
    inputs: NamedTensorMap;
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor;
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor;
}

/**
 * `tf.customGrad` with two differences: inputs have names, and the gradient of an input that needs none (a frozen
 * weight, the data) is not computed. Forward runs off the tape, in a scope of its own. First derivatives only.
 */
export function customOp<T extends Tensor, Name extends string>({ inputs, forward, backward }: CustomOp<T, Name>): T {
  const engine = tapeEngine();
  if (!engine.isTapeOn()) return tf.tidy(() => forward(() => {}, false));
  const named = inputs as NamedTensorMap;
  const grads = (dy: Tensor, saved: Tensor[]) => backward(dy as T, saved, needsInputGrad);
  if (recordsHere()) {
    return recordOp({ inputs: named, forward: (save) => forward(save, true), backward: grads }) as T;
  }
  return (engine as unknown as KernelFuncEngine).runKernelFunc({
    inputs: named,
    forwardFunc: (_backend, save) => forward(save, true),
    backwardsFunc: (dy, saved) => asFunctions(grads(dy, saved)),
  }) as T;
}

/** True if the active backend has a kernel of that name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/**
 * Runs a kernel that {@link hasKernel} found; always a list of outputs. Call it off the tape. A step runs hundreds of them, so
 * it calls the kernel itself: tfjs's own way looks it up twice and keeps books that only its profiler and its tape read.
 */
export function runKernel(name: string, inputs: NamedTensorMap, attrs: NamedAttrMap = {}): Tensor[] {
  const engine = tf.engine();
  const kernel = tf.getKernel(name, tf.getBackend());
  if (kernel == null || isWatched()) {
    const result = engine.runKernel(name, inputs, attrs) as Tensor | Tensor[];
    return Array.isArray(result) ? result : [result];
  }
  const infos = kernel.kernelFunc({ inputs, attrs, backend: engine.backend });
  // A kernel may return tensors too, which tfjs knows by their rank.
  return (Array.isArray(infos) ? infos : [infos]).map((info) =>
    (info as Tensor).rank === undefined ? engine.makeTensorFromTensorInfo(info) : (info as Tensor),
  );
}

/** Whether a profile is taken, the kernels are checked, or a tape would record the call. */
function isWatched(): boolean {
  const { state } = tapeEngine();
  if (state.profiling || (state.gradientDepth > 0 && state.kernelDepth === 0)) return true;
  return tf.env().getBool('DEBUG') || tf.env().getBool('IS_TEST');
}

/** What a forward kernel returned beside its result, as inputs of its gradient kernel: state0, state1, ... */
export function stateInputs(state: readonly Tensor[]): NamedTensorMap {
  return Object.fromEntries(state.map((tensor, i) => [`state${i}`, tensor]));
}

/** True on the WebAssembly backend, where other forms of some products and sums are faster. */
export function onWasm(): boolean {
  return tf.getBackend() === 'wasm';
}
