import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../../test/setup';
import { globalNorm } from '../clip';
import { registerWasmTrainingKernels } from '../wasm';
import { attention } from './attention';
import { layerNorm, layerNormModulate } from './layer-norm';
import { sumRows, sumTokens } from './sums';

/** What 0.1 is in float32. */
const tenth = Math.fround(0.1);
const tenths = (...shape: number[]) => tf.fill(shape, 0.1);
/** A logit above a million zeros: what their softmax divides by. */
const peak = Math.fround(2.3);
const logits = () => tf.tensor1d(Float32Array.from({ length: 1e6 }, (_, i) => (i === 0 ? peak : 0)));
const denominator = Math.exp(peak) + 1e6 - 1;

/** Many like numbers, all of whose results are known. A running float32 sum is off by up to a percent here. */
const SUMS: readonly [string, () => tf.Tensor, number][] = [
  ['sum of all', () => tf.sum(tenths(1_000_000)), 1e6 * tenth],
  ['sum over axis 0', () => tf.sum(tenths(250_000, 4), 0), 250_000 * tenth],
  ['sum over axis 0 of an odd width', () => tf.sum(tenths(50_000, 19), 0), 50_000 * tenth],
  ['sum over axis 1', () => tf.sum(tenths(4, 250_001), 1), 250_001 * tenth],
  ['sum over the middle', () => tf.sum(tenths(2, 250_000, 2), 1, true), 250_000 * tenth],
  ['sum over axes apart', () => tf.sum(tenths(2000, 2, 250), [0, 2]), 500_000 * tenth],
  ['sum over all of three axes', () => tf.sum(tenths(100, 100, 100), [2, 0, 1]), 1e6 * tenth],
  ['mean of all', () => tf.mean(tenths(1_000_000)), tenth],
  ['mean over axis 0', () => tf.mean(tenths(250_000, 3), 0, true), tenth],
  ['mean over axes apart', () => tf.mean(tenths(2000, 2, 250), [0, 2]), tenth],
  ['mean of the squared error', () => tf.losses.meanSquaredError(tenths(1_000_000), tf.zeros([1_000_000])), tenth ** 2],
  ['mean of a large pool', () => tf.avgPool(tenths(1, 400, 400, 1) as tf.Tensor4D, 400, 1, 'valid'), tenth],
  [
    'mean of large pools side by side',
    () => tf.avgPool(tenths(1, 100, 200, 2) as tf.Tensor4D, 100, 100, 'valid'),
    tenth,
  ],
  ['norm', () => tf.norm(tenths(1_000_000)), 1000 * tenth],
  ['norm of a tree', () => globalNorm({ a: tenths(500_000), b: tenths(500_000) }), 1000 * tenth],
  ['sumTokens', () => sumTokens(tenths(2, 250_000, 2)), 250_000 * tenth],
  ['sumRows', () => sumRows(tenths(250_000, 3)), 250_000 * tenth],
  ['softmax', () => tf.slice(tf.softmax(logits()), 1), 1 / denominator],
  ['softmax of two lines', () => tf.slice(tf.softmax(tf.stack([logits(), logits()])), [1, 1]), 1 / denominator],
  ['logSoftmax', () => tf.slice(tf.logSoftmax(logits()), 1), -Math.log(denominator)],
  ['logSumExp', () => tf.logSumExp(logits()), Math.log(denominator)],
  [
    'attention over 2048 like keys',
    () => attention(tf.zeros([1, 8, 8]), tf.zeros([1, 2048, 8]), tenths(1, 2048, 8) as tf.Tensor3D, { heads: 1 }),
    tenth,
  ],
  [
    'gradient of a bias',
    () =>
      tf.grads((x, bias) => tf.mul(0.1, layerNorm(x, { bias: bias as tf.Tensor1D })))([
        tf.zeros([200_000, 4]),
        tf.zeros([4]),
      ])[1],
    200_000 * tenth,
  ],
];

/** Two lines about 40000 with a standard deviation of 0.46, and both normalised in float64. */
function farLines(D: number): { values: Float32Array; normalized: number[] } {
  const values = Float32Array.from({ length: 2 * D }, (_, i) => 40000 + 0.46 * Math.SQRT2 * Math.sin(1.7 * i));
  const line = (row: number) => {
    const x = Array.from(values.subarray(row * D, (row + 1) * D));
    const mean = x.reduce((sum, value) => sum + value, 0) / D;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / D;
    return x.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
  };
  return { values, normalized: [...line(0), ...line(1)] };
}

const engines = process.env.LEARNGENE_TEST_BACKEND ? ['the test backend'] : ['the test backend', 'wasm'];

describe.each(engines)('%s', (engine) => {
  beforeAll(async () => {
    await useNnBackend();
    registerWasmTrainingKernels();
    if (engine === 'wasm') await tf.setBackend('wasm');
  });

  test.each(SUMS)('%s of many like numbers', (_, compute, expected) => {
    tf.tidy(() => {
      const values = Float32Array.from(compute().dataSync());
      const error = values.reduce((most, value) => Math.max(most, Math.abs(value / expected - 1)), 0);
      expect(values.length).toBeGreaterThan(0);
      // tfjs's WebGPU kernels give each of some hundred threads thousands of terms to add in a row, which round alike here.
      expect(error).toBeLessThan(tf.getBackend() === 'webgpu' ? 2e-4 : 3e-6);
    });
  });

  test.each([384, 4096, 65536])('layer norm of %i values far from 0: within 0.012, as torch', (D) => {
    const { values, normalized } = farLines(D);
    tf.tidy(() => {
      const x = tf.tensor2d(values, [2, D]);
      const none = tf.zeros<tf.Rank.R2>([1, D]);
      const modulated = layerNormModulate(tf.reshape(x, [1, 2, D]), none, none, { eps: 1e-5 });
      for (const y of [layerNorm(x), modulated]) {
        const error = Float32Array.from(y.dataSync()).reduce(
          (most, value, i) => Math.max(most, Math.abs(value - normalized[i])),
          0,
        );
        expect(error).toBeLessThan(0.012);
      }
    });
  });

  test('sums keep dtype and shape: empty, one, int32, bool, no axis', () => {
    tf.tidy(() => {
      expect(tf.sum(tf.zeros([0, 3]), 0).arraySync()).toEqual([0, 0, 0]);
      expect(tf.sum(tf.zeros([3, 0]), 1).arraySync()).toEqual([0, 0, 0]);
      expect(tf.sum(tf.scalar(3)).arraySync()).toBe(3);
      expect(tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2]), []).arraySync()).toEqual([
        [1, 2],
        [3, 4],
      ]);
      const whole = tf.sum(tf.tensor2d([1, 2, 3, 2 ** 30, 5, 6], [2, 3], 'int32'), 1);
      expect([whole.dtype, ...whole.dataSync()]).toEqual(['int32', 6, 2 ** 30 + 11]);
      expect(tf.sum(tf.tensor1d([true, true, false], 'bool')).arraySync()).toBe(2);
      const mean = tf.mean(tf.tensor2d([1, 2, 3, 6], [2, 2], 'int32'), 0);
      expect([mean.dtype, ...mean.dataSync()]).toEqual(['float32', 2, 4]);
      expect(tf.sum(tf.tensor3d([1, 2, 3, 4], [1, 2, 2]), [0, -1], true).arraySync()).toEqual([[[3], [7]]]);
      expect(tf.sum(tf.tensor1d([1, Number.NaN])).dataSync()[0]).toBeNaN();
      expect(tf.sum(tf.tensor1d([1, Number.POSITIVE_INFINITY])).dataSync()[0]).toBe(Number.POSITIVE_INFINITY);
    });
  });
});
