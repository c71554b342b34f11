import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, onWasm } from './custom-op';

/** Column sums of [M, D] as [D]. */
export function sumRows(x: Tensor): Tensor {
  const [M, D] = x.shape;
  return tf.reshape(sumTokens(tf.reshape(x, [1, M, D])), [D]);
}

/**
 * Sums of [N, T, D] over T as [N, D]. The wasm backend's own `Sum` transposes before it sums over any axis but the last;
 * its average pooling reads in order and is 4 to 70 times faster, but adds in float32. The kernel that
 * `registerWasmTrainingKernels` puts in its place needs neither.
 */
export function sumTokens(x: Tensor): Tensor {
  const [N, T, D] = x.shape;
  if (!onWasm() || hasKernel('LearngeneFastSum')) return tf.sum(x, 1);
  const mean = tf.avgPool(tf.reshape(x, [N, T, 1, D]) as Tensor4D, [T, 1], [T, 1], 'valid');
  return tf.mul(tf.reshape(mean, [N, D]), T);
}

/** Mean over the last axis, kept as an axis of size 1. */
export function meanLast(x: Tensor): Tensor {
  return tf.mean(x, -1, true);
}
