import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { applyKind } from '../src/apply';
import type { KindModel } from '../src/params';

/** Random images of 4 x 4 pixels with a timestep and a label each. */
export function inputs(labels: number[], seed = 5) {
  const g = createGenerator(seed);
  const N = labels.length;
  return {
    x: tf.tensor4d(normal(g, N * 16), [N, 4, 4, 1]),
    t: tf.tensor1d(labels.map((_, i) => 100 * i + 7)),
    labels: Int32Array.from(labels),
  };
}

/** What a model predicts. */
export const output = ({ params, config }: KindModel, batch: ReturnType<typeof inputs>) =>
  applyKind(params, batch, { config });
