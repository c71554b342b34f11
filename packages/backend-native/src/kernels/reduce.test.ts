import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, agreeExactly, holds, integers, random, shapeOf } from '../../test/against-cpu';
import { loadNative } from '../native';

const seed = fc.nat(1e6);

/** A shape, some of its dimensions, whether they stay as 1. */
const reduced = shapeOf(0, 5).chain((shape) =>
  fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, d) => d)), fc.boolean()),
);

const positive = reduced.filter(([shape]) => !shape.includes(0));

type Reduction = (x: tf.Tensor, axes?: number[], keepDims?: boolean) => tf.Tensor;

describe('reductions agree with the cpu backend', () => {
  test.each<[string, Reduction]>([
    ['sum', tf.sum],
    ['mean', tf.mean],
    ['prod', tf.prod],
  ])('%s', async (_, f) => {
    await holds(fc.tuple(reduced, seed), ([[shape, axes, keep], s]) =>
      agree(() => f(random(shape, s, 0.5, 1.5), axes, keep), { relative: 3e-6 }),
    );
  });

  test.each<[string, Reduction]>([
    ['max', tf.max],
    ['min', tf.min],
  ])('%s', async (_, f) => {
    await holds(fc.tuple(positive, seed), ([[shape, axes, keep], s]) =>
      agreeExactly(() => f(random(shape, s), axes, keep)),
    );
    await agreeExactly(() => f(tf.tensor2d([1, Number.NaN, 2, 3, -Infinity, Infinity], [3, 2]), [1]));
  });

  test('large ones', async () => {
    const x = () => random([70, 33, 60], 1, -1, 1);
    for (const axes of [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]]) {
      await agree(() => tf.sum(x(), axes), { relative: 1e-6, absolute: 1e-4 });
      await agreeExactly(() => tf.max(x(), axes));
    }
    await agree(() => tf.mean(random([300_001], 2, 0, 1)), { relative: 1e-6 });
  });

  test('argMax and argMin, the first of equals', async () => {
    const along = shapeOf(1, 4)
      .filter((shape) => !shape.includes(0))
      .chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1)));
    await holds(fc.tuple(along, seed), ([[shape, axis], s]) =>
      agreeExactly(() => [tf.argMax(integers(shape, s), axis), tf.argMin(integers(shape, s), axis)]),
    );
    await agreeExactly(() => tf.argMax(tf.tensor2d([Number.NaN, 1, 2, 1, Number.NaN, 2], [2, 3]), 1));
  });

  test('all and any', async () => {
    await holds(fc.tuple(reduced, seed), ([[shape, axes, keep], s]) =>
      agreeExactly(() => {
        const x = tf.cast(integers(shape, s, 0, 1), 'bool');
        return [tf.all(x, axes, keep), tf.any(x, axes, keep)];
      }),
    );
  });

  test('other types', async () => {
    const x = () => tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32');
    await agreeExactly(() => [tf.sum(x()), tf.max(x(), 0), tf.prod(x(), 1), tf.argMax(x(), 1)]);
    await agree(() => [tf.mean(x()), tf.sum(tf.tensor1d([true, true], 'bool'))]);
  });
});

test('sums are more accurate than one running sum, and the same in every run', async () => {
  await tf.setBackend('native');
  const x = tf.fill([1 << 20], 0.1);
  const sums = Array.from({ length: 5 }, () => tf.tidy(() => tf.sum(x).dataSync()[0]));
  expect(new Set(sums).size).toBe(1);
  expect(Math.abs(sums[0] / (Math.fround(0.1) * 2 ** 20) - 1)).toBeLessThan(1e-6);
  x.dispose();
});

test('sizes that do not fit are refused', () => {
  const addon = loadNative();
  const [x, y] = [new Float32Array(12), new Float32Array(4)];
  expect(() => addon.reduce(0, x, y, 2, 3, 3)).toThrow('x: expected 18 elements, got 12');
  expect(() => addon.reduce(0, x, y, 3, 2, 2)).toThrow('y: expected 6 elements, got 4');
  expect(() => addon.reduce(9, x, y, 2, 3, 2)).toThrow('op: expected less than 4');
  expect(() => addon.mean(x, y, 2 ** 31, 2 ** 31, 2 ** 31)).toThrow('are too large');
});
