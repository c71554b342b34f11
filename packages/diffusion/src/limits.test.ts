import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { bitsPerDimension } from './bits-per-dimension';
import type { Denoiser } from './denoiser';
import { flowLosses } from './flow-losses';
import { flowMatching } from './flow-matching';
import { guideDenoiser } from './guidance';
import { discretizedGaussianLogLikelihood, normalKl } from './likelihood';
import {
  createLossSecondMoment,
  lossSecondMomentProbabilities,
  sampleLossSecondMoment,
  updateLossSecondMoment,
} from './loss-second-moment';
import { drawNoise } from './noise';
import {
  type GaussianDiffusion,
  type GaussianDiffusionOptions,
  gaussianDiffusion,
  type LossType,
  type PredictionType,
  type VarianceType,
} from './process';
import { qPosterior, qSample } from './q-sample';
import { reverseMoments } from './reverse-moments';
import { flowTimesteps, uniformTimesteps } from './timestep-samplers';
import { trainingLosses } from './training-losses';

beforeAll(useTestBackend);

/** Processes whose alpha-bar comes near to 1, near to 0, to 0, or that have one or two steps. */
const limits: Record<string, GaussianDiffusionOptions> = {
  'alpha-bar near 1': { schedule: { kind: 'linear', betaStart: 1e-9, betaEnd: 1e-8 }, timesteps: 10 },
  'alpha-bar near 1, float32': {
    schedule: { kind: 'linear', betaStart: 1e-6, betaEnd: 1e-5 },
    timesteps: 10,
    precision: 'float32',
  },
  'alpha-bar near 0': { schedule: 'cosine', timesteps: 60 },
  'alpha-bar nearer 0': { schedule: { kind: 'betas', betas: [0.5, 0.999999, 0.999999] }, timesteps: 3 },
  'zero terminal SNR': { schedule: 'linear', timesteps: 50, zeroTerminalSnr: true },
  'zero terminal SNR, float32': { schedule: 'cosine', timesteps: 50, zeroTerminalSnr: true, precision: 'float32' },
  jsd: { schedule: 'jsd', timesteps: 10 },
  'two steps': { schedule: 'linear', timesteps: 2 },
  'one step': { schedule: 'linear', timesteps: 1 },
  'respaced to one step': { schedule: 'linear', timesteps: 1000, respacing: '1' },
};
const predictions: PredictionType[] = ['epsilon', 'x0', 'previous', 'velocity'];
const variances: VarianceType[] = ['fixed-small', 'fixed-large', 'learned', 'learned-range'];
const lossTypes: LossType[] = ['mse', 'rescaled-mse', 'kl', 'rescaled-kl'];

function make(name: string, more: GaussianDiffusionOptions): GaussianDiffusion | undefined {
  const last = gaussianDiffusion({ ...limits[name], prediction: 'x0' }).alphasCumprod.at(-1);
  return last === 0 && more.prediction === 'epsilon' ? undefined : gaussianDiffusion({ ...limits[name], ...more });
}

const shape: [number, number, number, number] = [2, 2, 2, 1];
const bytes = (values: number[]) => tf.tensor4d(values, shape);
/** Black, white and between: the outermost bins too. */
const data = () => bytes([-1, 1, 0, 127 / 255, 1, 1, -1, -1]);
const noise = () => drawNoise(createGenerator(1), shape);
const finite = (x: tf.Tensor, what: string) => {
  const values = [...x.dataSync()];
  expect(values.every(Number.isFinite), `${what}: ${values}`).toBe(true);
};

/** Says the truth of the given data, with a log-variance of 0 or the posterior's where it is learned. */
function truthful(process: GaussianDiffusion, x0: tf.Tensor4D): Denoiser {
  return (xt, t) => {
    const step = process.timestepMap.indexOf(t.dataSync()[0]);
    const [alpha, sigma] = [process.sqrtAlphasCumprod[step], process.sqrtOneMinusAlphasCumprod[step]];
    const eps = tf.div<tf.Tensor4D>(tf.sub(xt, tf.mul(x0, alpha)), sigma);
    const outputs = {
      epsilon: () => eps,
      x0: () => x0,
      velocity: () => tf.sub<tf.Tensor4D>(tf.mul(eps, alpha), tf.mul(x0, sigma)),
      previous: () =>
        tf.add<tf.Tensor4D>(tf.mul(x0, process.posteriorMeanCoef1[step]), tf.mul(xt, process.posteriorMeanCoef2[step])),
    };
    const mean = outputs[process.prediction]();
    return process.variance.startsWith('learned') ? tf.concat([mean, tf.neg(tf.onesLike(mean))], 3) : mean;
  };
}

describe.each(Object.keys(limits))('%s', (name) => {
  test('has finite tables, but for what divides by an alpha-bar of 0', () => {
    for (const variance of variances) {
      const process = make(name, { prediction: 'x0', variance })!;
      const pure = process.alphasCumprod.at(-1) === 0;
      for (const [table, values] of Object.entries(process)) {
        if (!(values instanceof Float64Array)) continue;
        const infinite = pure && (table === 'sqrtRecipAlphasCumprod' || table === 'sqrtRecipm1AlphasCumprod') ? 1 : 0;
        expect(values.filter((value) => !Number.isFinite(value)).length, table).toBe(infinite);
      }
    }
  });

  test('losses and their gradients are finite at the first and the last step, and 0 for the truth', () => {
    for (const prediction of predictions) {
      for (const variance of variances) {
        for (const loss of lossTypes) {
          const process = make(name, { prediction, variance, loss });
          if (!process) continue;
          for (const step of new Set([0, process.timesteps - 1])) {
            const what = `${prediction} ${variance} ${loss} ${step}`;
            tf.tidy(() => {
              const batch = { x0: data(), t: Int32Array.of(step, step), noise: noise() };
              const truth = truthful(process, batch.x0);
              const terms = trainingLosses(process, truth, batch);
              for (const [term, values] of Object.entries(terms)) finite(values, `${what} ${term}`);
              if (terms.mse) expect(Math.max(...terms.mse.dataSync()), what).toBeLessThan(1e-6);
              const gradient = tf.grad((scale: tf.Tensor) => {
                const denoiser: Denoiser = (x, t) => tf.mul(tf.add(truth(x, t), 0.1), scale);
                return tf.sum(trainingLosses(process, denoiser, batch).loss);
              })(tf.scalar(1));
              finite(gradient, `${what} gradient`);
            });
          }
        }
      }
    }
  });

  test('moments of both directions are finite at the first and the last step', () => {
    for (const prediction of predictions) {
      for (const variance of variances) {
        const process = make(name, { prediction, variance });
        if (!process) continue;
        for (const step of new Set([0, process.timesteps - 1])) {
          tf.tidy(() => {
            const [x0, t] = [data(), Int32Array.of(step, step)];
            const xt = qSample(process, x0, t, noise());
            const forward = qPosterior(process, x0, xt, t);
            const reverse = reverseMoments(process, truthful(process, x0), { xt, t });
            const what = `${prediction} ${variance} ${step}`;
            for (const x of [xt, ...Object.values(forward), ...Object.values(reverse)]) finite(x, what);
          });
        }
      }
    }
  });

  test('the bound of a truthful network is finite, its errors 0', async () => {
    for (const prediction of predictions) {
      for (const variance of variances) {
        const process = make(name, { prediction, variance });
        if (!process) continue;
        const x0 = data();
        const denoiser = truthful(process, x0);
        const bound = await bitsPerDimension(process, denoiser, { x0, generator: createGenerator(2) });
        const what = `${prediction} ${variance}`;
        for (const [term, values] of Object.entries(bound)) finite(values, `${what} ${term}`);
        const divisors = { epsilon: process.sqrtAlphasCumprod, previous: process.posteriorMeanCoef1 };
        const smallest = Math.min(...(divisors[prediction as 'epsilon'] ?? [1]));
        expect(Math.max(...bound.x0Mse.dataSync()), what).toBeLessThan(1e-10 + (1e-6 / smallest) ** 2);
        if (process.alphasCumprod[0] < 0.999) expect(Math.max(...bound.mse.dataSync()), what).toBeLessThan(1e-6);
        tf.dispose([x0, ...Object.values(bound)]);
      }
    }
  });
});

test("at an alpha-bar of 0 the bound's implied noise is x_t: its error is 0 whatever the network says", async () => {
  for (const prediction of ['x0', 'previous', 'velocity'] as const) {
    for (const schedule of ['linear', 'cosine'] as const) {
      const process = gaussianDiffusion({ schedule, timesteps: 30, zeroTerminalSnr: true, prediction });
      const options = { x0: data(), generator: createGenerator(2), clip: false };
      const { mse, x0Mse } = await bitsPerDimension(process, (x) => tf.mul(x, 0.3), options);
      const last = (await mse.array()).map((row) => row[29]);
      expect(last, `${prediction} ${schedule}`).toEqual([0, 0]);
      expect((await x0Mse.array()).every((row) => row[29] > 0.1)).toBe(true);
    }
  }
});

describe('counts of 0 and 1', () => {
  const process = gaussianDiffusion({ timesteps: 50, variance: 'learned-range' });
  const denoiser: Denoiser = (x) => tf.concat([x, x], 3);

  test.each([0, 1])('a batch of %d', async (count) => {
    const x0 = tf.ones([count, 2, 2, 1]) as tf.Tensor4D;
    const batch = { x0, noise: tf.zerosLike(x0), t: new Int32Array(count) };
    const all = [
      ...Object.values(trainingLosses(process, denoiser, batch)),
      ...Object.values(trainingLosses({ ...process, loss: 'kl' }, denoiser, batch)),
      ...Object.values(flowLosses(flowMatching(), denoiser, { ...batch, t: new Float32Array(count) })),
    ];
    for (const values of all) {
      expect(values.shape).toEqual([count]);
      finite(values, 'losses');
    }
    const generator = createGenerator(0);
    expect(uniformTimesteps({ timesteps: 1, size: count, generator }).t).toEqual(new Int32Array(count));
    expect(sampleLossSecondMoment(createLossSecondMoment({ timesteps: 1 }), { size: count, generator }).t).toEqual(
      new Int32Array(count),
    );
    expect(flowTimesteps({ size: count, generator }).length).toBe(count);
  });
});

describe('the loss-aware sampler', () => {
  const full = (...losses: number[][]) => ({
    ...createLossSecondMoment({ timesteps: losses.length }),
    historyPerStep: 1,
    history: losses,
  });
  test.each([
    ['equal', full([2], [2]), [0.5, 0.5]],
    ['zero', full([0], [0]), [0.5, 0.5]],
    ['one of them zero', full([0], [3]), [0.0005, 0.9995]],
    ['so large that their squares are infinite', full([1e200], [1e200]), [0.5, 0.5]],
    ['so small that their squares are 0', full([1e-200], [3e-200]), [0.25, 0.75]],
    ['negative', full([-1], [1]), [0.5, 0.5]],
    ['of one step', full([7]), [1]],
  ])('losses that are %s', (_, state, expected) => {
    const p = lossSecondMomentProbabilities(state);
    p.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 3);
    });
    expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
    const { t, weights } = sampleLossSecondMoment(state, { size: 50, generator: createGenerator(0) });
    expect(t.every((step) => step >= 0 && step < p.length)).toBe(true);
    expect(weights.every(Number.isFinite)).toBe(true);
  });
  test('no losses change nothing', () => {
    const state = createLossSecondMoment({ timesteps: 3 });
    expect(updateLossSecondMoment(state, { t: new Int32Array(0), losses: [] })).toEqual(state);
  });
});

describe('flow losses at both ends of time', () => {
  test.each([0, 1])('t = %d', (time) => {
    const [x0, eps] = [data(), noise()];
    const truth: Denoiser = () => tf.sub(eps, x0);
    const batch = { x0, noise: eps, t: Float32Array.of(time, time) };
    expect([...flowLosses(flowMatching(), truth, batch).loss.dataSync()]).toEqual([0, 0]);
  });
  test('times of a wide logit-normal stay in [0, 1]', () => {
    const distribution = { kind: 'logit-normal', mean: 0, std: 1000 } as const;
    for (const shift of [1, 1e-6, 1e6]) {
      const t = flowTimesteps({ size: 200, generator: createGenerator(3), distribution, shift });
      expect(t.every((time) => time >= 0 && time <= 1)).toBe(true);
    }
  });
});

describe('guidance at its limits', () => {
  const conditional: Denoiser = (x) => tf.mul(x, 2);
  const unconditional: Denoiser = (x) => tf.mul(x, -1);
  const x = () => tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
  test.each([
    [{ scale: 0 }, 5, -1],
    [{ scale: 1 }, 5, 2],
    [{ scale: -1 }, 5, -4],
    [{ scale: 1e6 }, 5, 3e6 - 1],
    [{ scale: 3, interval: [5, 5] as const }, 5, 8],
    [{ scale: 3, interval: [5, 5] as const }, 5.5, 2],
    [{ scale: 3, interval: [0, Number.POSITIVE_INFINITY] as const }, 999, 8],
  ])('%o at t = %d', (settings, t, expected) => {
    const guided = guideDenoiser({ conditional, unconditional }, settings)(x(), tf.tensor1d([t]));
    expect(guided.dataSync()[0]).toBeCloseTo(expected, 4);
  });
});

describe('likelihoods at their limits', () => {
  test('the log-likelihood of bytes is finite and at most 0 for any width and distance', () => {
    for (const logScale of [-30, -10, -3, 0, 10, 30]) {
      for (const mean of [-1e3, -1, 0, 1, 1e3]) {
        const value = discretizedGaussianLogLikelihood(data(), tf.scalar(mean), tf.scalar(logScale));
        finite(value, `mean ${mean}, log scale ${logScale}`);
        expect(Math.max(...value.dataSync())).toBeLessThanOrEqual(0);
        expect(Math.min(...value.dataSync())).toBeGreaterThan(-27.7); // log(1e-12)
      }
    }
  });
  test('the KL of equal Gaussians is 0, however narrow or wide', () => {
    for (const logVariance of [-40, -10, 0, 10, 40]) {
      const at = tf.scalar(logVariance);
      expect(normalKl(tf.scalar(0.3), at, tf.scalar(0.3), at).dataSync()[0]).toBe(0);
    }
  });
});
