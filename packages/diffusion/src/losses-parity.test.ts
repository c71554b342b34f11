import { createGenerator } from '@learngene/random';
import { expectClose, readFixture, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { bitsPerDimension } from './bits-per-dimension';
import { discretizedGaussianLogLikelihood } from './likelihood';
import { gaussianDiffusion, type LossType, type PredictionType, type VarianceType } from './process';
import { trainingLosses } from './training-losses';

type Shape4 = [number, number, number, number];
interface LossCase {
  prediction: PredictionType;
  variance: VarianceType;
  lossType: LossType;
  loss: number[];
  mse?: number[];
  vb?: number[];
  gradient: number[];
}
const losses = readFixture<{
  total: number;
  respacing: string;
  t: number[];
  shape: Shape4;
  x0: number[];
  noise: number[];
  output: number[];
  weight: number[];
  cases: LossCase[];
}>(import.meta.url, '../fixtures/losses.json');
const likelihood = readFixture<{
  discretized: { x: number[]; mean: number[]; logScale: number[]; value: number[] };
  posterior: { coef1: number[]; coef2: number[]; variance: number[]; logVariance: number[] };
  bound: {
    seed: number;
    shape: Shape4;
    x0: number[];
    rows: Record<string, { vb: number[]; x0Mse: number[]; mse: number[]; prior: number[]; total: number[] }>;
  };
}>(import.meta.url, '../fixtures/likelihood.json');
const process50 = (options: object) =>
  gaussianDiffusion({ timesteps: losses.total, respacing: losses.respacing, ...options });

beforeAll(useTestBackend);

describe('training losses and their gradients', () => {
  test.each(losses.cases)('$prediction, $variance, $lossType', (row) => {
    const process = process50({ prediction: row.prediction, variance: row.variance, loss: row.lossType });
    const channels = row.variance.startsWith('learned') ? 4 : 2;
    const whole = tf.tensor4d(losses.output, [3, 2, 2, 4]);
    const output = tf.slice(whole, [0, 0, 0, 0], [-1, -1, -1, channels]);
    const batch = {
      x0: tf.tensor4d(losses.x0, losses.shape),
      noise: tf.tensor4d(losses.noise, losses.shape),
      t: Int32Array.from(losses.t),
    };
    const terms = trainingLosses(process, () => tf.clone(output), batch);
    expect(Object.keys(terms).includes('mse')).toBe(row.mse !== undefined);
    expectClose(terms.loss, row.loss, { rtol: 2e-5, atol: 1e-5 });
    if (row.mse) expectClose(terms.mse!, row.mse, { rtol: 2e-5 });
    if (row.vb) expectClose(terms.vb!, row.vb, { rtol: 2e-5, atol: 1e-5 });
    const weighted = (out: tf.Tensor) =>
      tf.sum(
        tf.mul(trainingLosses(process, () => tf.clone(out as tf.Tensor4D), batch).loss, losses.weight),
      ) as tf.Scalar;
    const gradient = tf.grad(weighted)(output);
    expect(relativeError(gradient, row.gradient)).toBeLessThan(1e-4);
  });
});

test('the posterior has the constants of the formulas', () => {
  const process = process50({});
  expectClose(process.posteriorMeanCoef1, likelihood.posterior.coef1, { rtol: 1e-8 });
  expectClose(process.posteriorMeanCoef2, likelihood.posterior.coef2, { rtol: 1e-8 });
  expectClose(process.posteriorVariance, likelihood.posterior.variance, { rtol: 1e-8 });
  expectClose(process.posteriorLogVarianceClipped, likelihood.posterior.logVariance, { rtol: 1e-8 });
});

test('the discretised Gaussian has the likelihoods of the formulas', () => {
  const { x, mean, logScale, value } = likelihood.discretized;
  const result = discretizedGaussianLogLikelihood(tf.tensor1d(x), tf.tensor1d(mean), tf.tensor1d(logScale));
  expectClose(result, value, { rtol: 1e-3, atol: 1e-4 }); // a difference of two float32 probabilities
});

describe('bits a dimension', () => {
  test.each(Object.entries(likelihood.bound.rows))('%s', async (variance, row) => {
    const process = process50({ variance: variance as VarianceType });
    const learned = variance === 'learned-range';
    const result = await bitsPerDimension(
      process,
      (x) => (learned ? tf.concat([tf.mul(x, 0.9), tf.mul(x, 0.3)], 3) : tf.mul(x, 0.9)),
      {
        x0: tf.tensor4d(likelihood.bound.x0, likelihood.bound.shape),
        generator: createGenerator(likelihood.bound.seed),
      },
    );
    for (const name of ['vb', 'x0Mse', 'mse', 'prior', 'total'] as const) {
      expect(relativeError(result[name], row[name]), name).toBeLessThan(2e-4);
    }
  });
});
