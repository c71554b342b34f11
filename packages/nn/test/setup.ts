import '../src/gradients';
import { createGenerator, normal } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { registerWasmTrainingKernels } from '../src/wasm';

/** Selects the test backend, with the training kernels of wasm in place. */
export async function useNnBackend(): Promise<void> {
  registerWasmTrainingKernels();
  await useTestBackend();
}

/** A function that draws standard normal tensors of a shape. */
export function normals(seed = 0): <R extends tf.Rank>(...shape: number[]) => tf.Tensor<R> {
  const g = createGenerator(seed);
  return <R extends tf.Rank>(...shape: number[]) =>
    tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape as tf.ShapeMap[R], 'float32') as tf.Tensor<R>;
}

/** A tensor of a JSON fixture. */
export interface Packed {
  shape: number[];
  values: number[];
}

/** The tensor of a packed one. */
export function unpack({ values, shape }: Packed): tf.Tensor {
  return tf.tensor(values, shape, 'float32');
}
