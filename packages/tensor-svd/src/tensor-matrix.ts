import { prefetch, readingBack, readSync } from '@learngene/nn';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkShape, type Matrix } from './dense/matrix';

/**
 * Reads a float tensor [rows, cols] back into a float64 matrix. Blocks until the backend has the values.
 *
 * @returns A new matrix; the tensor stays the caller's.
 * @throws When the tensor is not of rank 2; `ReadBackError` on WebGPU, which reads asynchronously.
 */
export function matrixFromTensor(tensor: Tensor2D): Matrix {
  const shape: readonly number[] = tensor.shape;
  if (shape.length !== 2) throw new Error(`tensor: expected [rows, cols], got [${shape.join(', ')}]`);
  return {
    rows: tensor.shape[0],
    cols: tensor.shape[1],
    data: Float64Array.from(readingBack('matrixFromTensor', () => readSync(tensor))),
  };
}

/** {@link matrixFromTensor} on every backend. It waits until the values are read back. */
export async function matrixFromTensorAsync(tensor: Tensor2D): Promise<Matrix> {
  await prefetch(tensor);
  return matrixFromTensor(tensor);
}

/** A matrix as a float32 tensor [rows, cols] that the caller owns. */
export function tensorFromMatrix(a: Matrix): Tensor2D {
  checkShape('a', a);
  return tf.tensor2d(Float32Array.from(a.data), [a.rows, a.cols], 'float32');
}
