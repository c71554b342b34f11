import { checkGradient, expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { perSample } from './segments';

beforeAll(useTestBackend);

describe('perSample', () => {
  // 9 segments: more than a GPU binds tensors at once
  test.each([2, 9])('gives the rows of %i segments to their samples, with gradients', (count) => {
    tf.tidy(() => {
      const vectors = Array.from({ length: count }, (_, i) => tf.tensor1d([i + 1, -i]));
      const segments = vectors.map((values, i) => ({ start: 2 * i, end: 2 * i + 2, leaves: { values } }));
      const rows = perSample(segments, (leaves) => leaves!.values);
      expect(rows.shape).toEqual([2 * count, 1, 2]);
      expectClose(
        rows,
        Array.from({ length: 2 * count }, (_, n) => [Math.floor(n / 2) + 1, -Math.floor(n / 2)]).flat(),
      );
      const of = (values: tf.Tensor[]) =>
        perSample(segments, (leaves) => values[vectors.indexOf(leaves!.values as tf.Tensor1D)]);
      checkGradient((...values) => of(values), vectors);
    });
  });
});
