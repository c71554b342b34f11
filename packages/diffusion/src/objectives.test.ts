import { createGenerator } from '@learngene/random';
import { checkGradient, expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { meanAndStd, valueAt } from '../test/helpers';
import type { Denoiser } from './denoiser';
import { flowLosses } from './flow-losses';
import { flowMatching, shiftTime } from './flow-matching';
import { normalKl } from './likelihood';
import {
  createLossSecondMoment,
  type LossSecondMoment,
  lossSecondMomentProbabilities,
  sampleLossSecondMoment,
  updateLossSecondMoment,
} from './loss-second-moment';
import { drawNoise } from './noise';
import { gaussianDiffusion, type PredictionType, respaceDiffusion } from './process';
import { qPosterior, qSample } from './q-sample';
import { reverseMoments } from './reverse-moments';
import { flowTimesteps, uniformTimesteps } from './timestep-samplers';
import { trainingLosses } from './training-losses';

const process = gaussianDiffusion({ timesteps: 100 });
const images = (seed: number) => drawNoise(createGenerator(seed), [3, 2, 2, 2]);
const t = Int32Array.of(0, 40, 99);

beforeAll(useTestBackend);

describe('the forward process', () => {
  test('has the marginals of its steps composed', () => {
    let [signal, variance] = [1, 0];
    process.betas.forEach((beta, i) => {
      signal *= Math.sqrt(1 - beta);
      variance = (1 - beta) * variance + beta;
      expect(process.sqrtAlphasCumprod[i]).toBeCloseTo(signal, 12);
      expect(process.sqrtOneMinusAlphasCumprod[i] ** 2).toBeCloseTo(variance, 12);
    });
  });

  test('draws x_t with them', () => {
    const x0 = tf.fill([4, 32, 32, 1], 0.7) as tf.Tensor4D;
    const xt = qSample(process, x0, new Int32Array(4).fill(30), drawNoise(createGenerator(5), [4, 32, 32, 1]));
    const { mean, std } = meanAndStd(xt);
    expect(Math.abs(mean - 0.7 * process.sqrtAlphasCumprod[30])).toBeLessThan(0.04);
    expect(Math.abs(std / process.sqrtOneMinusAlphasCumprod[30] - 1)).toBeLessThan(0.04);
  });

  test('has the posterior of Bayes: precisions add', () => {
    for (const i of [1, 37, 99]) {
      const [alpha, before] = [1 - process.betas[i], process.alphasCumprodPrev[i]];
      const precision = alpha / process.betas[i] + 1 / (1 - before);
      expect(process.posteriorVariance[i] * precision).toBeCloseTo(1, 10);
      expect(process.posteriorMeanCoef1[i] * precision).toBeCloseTo(Math.sqrt(before) / (1 - before), 6);
      expect(process.posteriorMeanCoef2[i] * precision).toBeCloseTo(Math.sqrt(alpha) / process.betas[i], 6);
    }
    const [x0, xt] = [images(1), images(2)];
    const { mean, logVariance } = qPosterior(process, x0, xt, t);
    expect(logVariance.shape).toEqual([3, 1, 1, 1]);
    const [c1, c2] = [process.posteriorMeanCoef1[40], process.posteriorMeanCoef2[40]];
    const at = (x: tf.Tensor4D) => valueAt(x, [1, 1, 0, 1]);
    expect(at(mean)).toBeCloseTo(c1 * at(x0) + c2 * at(xt), 5);
  });

  test('keeps its marginals when it is respaced, twice too', () => {
    const once = respaceDiffusion(process, [0, 10, 30, 60, 99]);
    const twice = respaceDiffusion(once, [1, 3, 4]);
    expectClose(
      twice.alphasCumprod,
      [10, 60, 99].map((i) => process.alphasCumprod[i]),
      { rtol: 1e-12 },
    );
    expect([...twice.timestepMap]).toEqual([10, 60, 99]);
    expect(() => respaceDiffusion(process, [3, 3])).toThrow('kept[1]');
    expect(() => respaceDiffusion(process, [])).toThrow('kept: number of steps');
    expect(gaussianDiffusion({ timesteps: 1 }).posteriorVariance[0]).toBe(0);
  });

  test('checks shapes and steps', () => {
    const x0 = images(1);
    expect(() => qSample(process, x0, Int32Array.of(1), x0)).toThrow('t: expected 3 timesteps, one a sample, got 1');
    expect(() => qSample(process, x0, Int32Array.of(0, 1, 100), x0)).toThrow(
      't: expected timesteps in [0, 100), got 100',
    );
    const other = tf.zeros<tf.Rank.R4>([3, 2, 2, 1]);
    expect(() => qSample(process, x0, t, other)).toThrow('noise: expected [3, 2, 2, 2], got [3, 2, 2, 1]');
    const flat = tf.zeros([2]) as unknown as tf.Tensor4D;
    expect(() => qSample(process, flat, t, other)).toThrow('x0: expected [N, H, W, C], got [2]');
  });
});

/** The network that knows the truth. */
function perfect(prediction: PredictionType, x0: tf.Tensor4D, noise: tf.Tensor4D): Denoiser {
  const column = (table: Float64Array) =>
    tf.tensor4d(
      Array.from(t, (i) => table[i]),
      [3, 1, 1, 1],
    );
  return (xt) => {
    if (prediction === 'epsilon') return tf.clone(noise);
    if (prediction === 'x0') return tf.clone(x0);
    if (prediction === 'previous') return qPosterior(process, x0, xt, t).mean;
    const velocity = tf.mul<tf.Tensor4D>(noise, column(process.sqrtAlphasCumprod));
    return tf.sub(velocity, tf.mul(x0, column(process.sqrtOneMinusAlphasCumprod)));
  };
}

describe('training losses', () => {
  test.each(['epsilon', 'x0', 'previous', 'velocity'] as const)('%s: zero for the perfect network', (prediction) => {
    const [x0, noise] = [images(1), images(2)];
    const denoiser = perfect(prediction, x0, noise);
    const { loss } = trainingLosses({ ...process, prediction }, denoiser, { x0, t, noise });
    expect(Math.max(...loss.dataSync())).toBeLessThan(1e-10);
    const kl = trainingLosses({ ...process, prediction, loss: 'kl' }, denoiser, { x0, t, noise }).loss.dataSync();
    expect(Math.abs(kl[1]) + Math.abs(kl[2])).toBeLessThan(1e-5);
  });

  test('gives the network x_t and the original timesteps', () => {
    const respaced = gaussianDiffusion({ timesteps: 1000, respacing: '4' });
    const seen: number[][] = [];
    const spy: Denoiser = (x, time) => {
      seen.push([...time.dataSync()]);
      return x;
    };
    trainingLosses(respaced, spy, { x0: images(1), t: Int32Array.of(3, 0, 1), noise: images(2) });
    expect(seen).toEqual([[999, 0, 333]]);
  });

  test.each(['mse', 'kl'] as const)('%s has the gradients of finite differences', (loss) => {
    const learned = gaussianDiffusion({ timesteps: 25, variance: 'learned-range', loss });
    const [x0, noise] = [tf.clipByValue(tf.slice(images(1), 0, 2), -1, 1), tf.slice(images(2), 0, 2)];
    const steps = Int32Array.of(4, 12);
    // The mean is held constant in the bound of 'mse': there only its own error is differentiated.
    const output = tf.concat([tf.mul<tf.Tensor4D>(noise, 0.9), tf.mul(noise, 0.1)], 3);
    if (loss === 'kl') {
      const whole = (out: tf.Tensor) => trainingLosses(learned, () => out as tf.Tensor4D, { x0, t: steps, noise }).loss;
      checkGradient(whole, [output]);
    } else {
      const [mean, variance] = tf.split<tf.Tensor4D>(output, 2, 3);
      const inVariance = (v: tf.Tensor) =>
        trainingLosses(learned, () => tf.concat([mean, v as tf.Tensor4D], 3), { x0, t: steps, noise }).loss;
      checkGradient(inVariance, [variance]);
    }
  });

  test('refuses an output that does not fit the variance', () => {
    const batch = { x0: images(1), t, noise: images(2) };
    const learned = gaussianDiffusion({ timesteps: 100, variance: 'learned' });
    expect(() => trainingLosses(learned, (x) => x, batch)).toThrow(
      "expected 2C channels for variance 'learned', got C",
    );
    const twice: Denoiser = (x) => tf.concat([x, x], 3);
    expect(() => trainingLosses(process, twice, batch)).toThrow(
      "expected C channels for variance 'fixed-small', got 2C",
    );
  });

  test('leaks nothing', async () => {
    const batch = { x0: images(1), t, noise: images(2) };
    const learned = gaussianDiffusion({ timesteps: 100, variance: 'learned-range' });
    const kl = { ...process, loss: 'kl' } as const;
    await expectNoLeak(() => {
      tf.dispose(Object.values(trainingLosses(learned, (x) => tf.concat([x, x], 3), batch)));
      tf.dispose(Object.values(trainingLosses(process, (x) => x, batch)));
      tf.dispose(Object.values(trainingLosses(kl, (x) => x, batch)));
      tf.dispose(Object.values(flowLosses(flowMatching(), (x) => x, { ...batch, t: Float32Array.of(0, 0.5, 1) })));
      tf.dispose(Object.values(reverseMoments(process, (x) => x, { xt: batch.x0, t })));
      tf.dispose(Object.values(qPosterior(process, batch.x0, batch.noise, t)));
      qSample(process, batch.x0, t, batch.noise).dispose();
    });
  });

  test('the moments of the reverse step clip and mix the variances', () => {
    const learned = gaussianDiffusion({ timesteps: 100, variance: 'learned-range' });
    const low: Denoiser = (x) => tf.concat([tf.mul(x, 9), tf.fill(x.shape, -1)], 3);
    const { x0: predicted, logVariance } = reverseMoments(learned, low, { xt: images(1), t, clip: true });
    expect(tf.max(tf.abs(predicted)).dataSync()[0]).toBeLessThanOrEqual(1);
    expect(valueAt(logVariance, [1, 0, 0, 0])).toBeCloseTo(learned.posteriorLogVarianceClipped[40], 5);
    const own = reverseMoments({ ...learned, variance: 'learned' }, low, { xt: images(1), t });
    expectClose(own.logVariance, tf.fill([3, 2, 2, 2], -1));
  });

  test('the KL of equal Gaussians is zero', () => {
    const x = images(1);
    expectClose(normalKl(x, x, x, x), tf.zerosLike(x), { atol: 1e-6 });
    const value = normalKl(tf.scalar(1), tf.scalar(0), tf.scalar(0), tf.scalar(Math.log(4)));
    expectClose(value, [0.5 * (Math.log(4) + 2 / 4 - 1)]);
  });
});

describe('flow matching', () => {
  test('has loss zero for the true velocity, and the network sees scaled times', () => {
    const [x0, noise] = [images(1), images(2)];
    const times = Float32Array.of(0, 0.25, 1);
    const truth: Denoiser = (_, time) => {
      expectClose(time, [0, 250, 1000]);
      return tf.sub(noise, x0);
    };
    const { loss } = flowLosses(flowMatching(), truth, { x0, t: times, noise });
    expectClose(loss, [0, 0, 0]);
    const at: Denoiser = (xt) => {
      expect(relativeError(tf.slice(xt, 0, 1), tf.slice(x0, 0, 1))).toBeLessThan(1e-6);
      expect(relativeError(tf.slice(xt, 2, 1), tf.slice(noise, 2, 1))).toBeLessThan(1e-6);
      return xt;
    };
    flowLosses(flowMatching(), at, { x0, t: times, noise });
    const batch = { x0, noise };
    expect(() => flowLosses(flowMatching(), at, { ...batch, t: Float32Array.of(1) })).toThrow('t: expected 3 times');
    expect(() => flowLosses(flowMatching(), at, { ...batch, t: Float32Array.of(0, 1, 2) })).toThrow('in [0, 1], got 2');
    expect(() => flowMatching({ shift: 0 })).toThrow('shift: expected');
    expect(() => flowMatching({ timeScale: -1 })).toThrow('timeScale: expected');
  });

  test('draws times evenly, or as the sigmoid of a normal', () => {
    const size = 4000;
    const even = flowTimesteps({ size, generator: createGenerator(1) });
    const mean = (x: Float32Array) => x.reduce((sum, value) => sum + value, 0) / x.length;
    expect(Math.abs(mean(even) - 0.5)).toBeLessThan(0.02);
    const distribution = { kind: 'logit-normal', mean: 0.4, std: 0.7 } as const;
    const logits = flowTimesteps({ size, generator: createGenerator(1), distribution }).map((x) =>
      Math.log(x / (1 - x)),
    );
    expect(Math.abs(mean(logits) - 0.4)).toBeLessThan(0.04);
    expect(Math.abs(Math.sqrt(mean(logits.map((x) => (x - 0.4) ** 2))) - 0.7)).toBeLessThan(0.04);
    const standard = flowTimesteps({ size, generator: createGenerator(1), distribution: { kind: 'logit-normal' } });
    expect(Math.abs(mean(standard) - 0.5)).toBeLessThan(0.02);
    const shifted = flowTimesteps({ size: 3, generator: createGenerator(1), shift: 3 });
    expectClose(
      shifted,
      even.slice(0, 3).map((time) => shiftTime(time, 3)),
    );
  });
});

describe('timestep samplers', () => {
  test('uniform: weights 1, every step', () => {
    const { t, weights } = uniformTimesteps({ timesteps: 5, size: 200, generator: createGenerator(1) });
    expect(new Set(t)).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(new Set(weights)).toEqual(new Set([1]));
  });

  const lossOf = (step: number) => 0.2 + step;
  const warm = () => {
    let state = createLossSecondMoment({ timesteps: 4, historyPerStep: 2, uniformProbability: 0.1 });
    for (const round of [0, 1, 2]) {
      expect(lossSecondMomentProbabilities(state)[0] === 0.25).toBe(round < 2);
      const all = Int32Array.of(0, 1, 2, 3);
      state = updateLossSecondMoment(state, {
        t: all,
        losses: Float32Array.from(all, (s) => lossOf(s) + (round ? 0 : 9)),
      });
    }
    return state; // the first round is forgotten
  };

  test('draws in proportion to the root mean square loss', () => {
    const total = [0, 1, 2, 3].reduce((sum, step) => sum + lossOf(step), 0);
    const expected = [0, 1, 2, 3].map((step) => (0.9 * lossOf(step)) / total + 0.1 / 4);
    expectClose(lossSecondMomentProbabilities(warm()), expected, { rtol: 1e-6 });
  });

  test('is unbiased: the weighted mean is the mean over all steps', () => {
    const state = warm();
    const p = lossSecondMomentProbabilities(state);
    const { t, weights } = sampleLossSecondMoment(state, { size: 20000, generator: createGenerator(1) });
    t.forEach((step, i) => {
      if (i < 50) expect(weights[i]).toBeCloseTo(1 / (4 * p[step]), 5);
    });
    const counts = [0, 1, 2, 3].map((step) => t.filter((s) => s === step).length / t.length);
    expectClose(counts, p, { rtol: 0.1, atol: 0.01 });
    const estimate = t.reduce((sum, step, i) => sum + weights[i] * step ** 2, 0) / t.length;
    expect(Math.abs(estimate / 3.5 - 1)).toBeLessThan(0.03); // (0 + 1 + 4 + 9) / 4
  });

  test('resumes from JSON to the same draws', () => {
    const state = warm();
    const restored = JSON.parse(JSON.stringify(state)) as LossSecondMoment;
    const draw = (from: LossSecondMoment) => sampleLossSecondMoment(from, { size: 8, generator: createGenerator(9) });
    expect(draw(restored)).toEqual(draw(state));
  });

  test('says what is wrong', () => {
    const state = createLossSecondMoment({ timesteps: 4 });
    expect(() => createLossSecondMoment({ timesteps: 4, uniformProbability: 0 })).toThrow('uniformProbability');
    const step = Int32Array.of(1);
    expect(() => updateLossSecondMoment(state, { t: step, losses: [] })).toThrow('losses: expected 1 values, got 0');
    expect(() => updateLossSecondMoment(state, { t: step, losses: [Number.NaN] })).toThrow(
      'losses[0]: expected a finite',
    );
    expect(() => updateLossSecondMoment(state, { t: Int32Array.of(4), losses: [1] })).toThrow('t[0]: expected');
    const silent = { ...state, historyPerStep: 1, history: [[0], [0], [0], [0]] };
    expectClose(lossSecondMomentProbabilities(silent), [0.25, 0.25, 0.25, 0.25]);
  });
});
