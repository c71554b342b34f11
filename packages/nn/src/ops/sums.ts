import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { onWasm } from './custom-op';

/** Column sums of [M, D] as [D]; a product with a row of ones on wasm, whose sum over a leading axis is slow. */
export function sumRows(x: Tensor): Tensor {
  if (!onWasm()) return tf.sum(x, 0);
  const [M, D] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, M]), x as Tensor2D), [D]);
}

/** Sums of [N, T, D] over T as [N, D]. */
export function sumTokens(x: Tensor): Tensor {
  return tf.sum(x, 1);
}

/** Mean over the last axis, kept as an axis of size 1. */
export function meanLast(x: Tensor): Tensor {
  return tf.mean(x, -1, true);
}
