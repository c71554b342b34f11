import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { referenceModel, referenceSample, valueAt } from '../test/helpers';
import { bitsPerDimension } from './bits-per-dimension';
import type { Denoiser } from './denoiser';
import { flowMatching } from './flow-matching';
import { invertDdim } from './invert-ddim';
import type { StepEvent } from './loop';
import { drawNoise } from './noise';
import { type GaussianDiffusion, gaussianDiffusion, type PredictionType } from './process';
import { sampleDdim } from './sample-ddim';
import { sampleDdpm } from './sample-ddpm';
import { sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { sampleEuler } from './sample-euler';
import { sampleHeun } from './sample-heun';
import { sampleUniPC } from './sample-unipc';

interface Options {
  noise: tf.Tensor4D;
  steps: number;
  signal?: AbortSignal;
  onStep?: (event: StepEvent) => void | Promise<void>;
  clip?: boolean;
  thresholding?: object;
}
type Run = (process: GaussianDiffusion, denoiser: Denoiser, options: Options) => Promise<tf.Tensor4D>;
const generator = () => createGenerator(1);
const flow = flowMatching();
const samplers: [string, Run][] = [
  ['sampleDdpm', (p, d, o) => sampleDdpm(p, d, { ...o, generator: generator() })],
  ['sampleDdim', (p, d, o) => sampleDdim(p, d, { ...o, eta: 0.5, generator: generator() })],
  ['invertDdim', invertDdim],
  ['sampleDpmSolverPP2M', sampleDpmSolverPP2M],
  ['sampleUniPC', (p, d, o) => sampleUniPC(p, d, { ...o, order: 3 })],
  ['sampleEuler', sampleEuler],
  ['sampleHeun', sampleHeun],
  ['sampleEuler of a flow', (_, d, o) => sampleEuler(flow, d, o)],
  ['sampleHeun of a flow', (_, d, o) => sampleHeun(flow, d, o)],
];
const process = gaussianDiffusion({ timesteps: 100 });
const noise = () => drawNoise(createGenerator(2), [2, 2, 2, 3]);
const smooth: Denoiser = (x, t) =>
  tf.mul<tf.Tensor4D>(tf.tanh(tf.add(x, tf.mul(tf.reshape(t, [-1, 1, 1, 1]), 1e-3))), 0.8);

beforeAll(useTestBackend);

describe.each(samplers)('%s', (name, sample) => {
  test('leaks nothing on success, abort or a throwing denoiser, and keeps its input', async () => {
    const start = noise();
    await expectNoLeak(async () => {
      (await sample(process, smooth, { noise: start, steps: 5, onStep: () => {} })).dispose();
      const controller = new AbortController();
      const onStep = ({ step }: StepEvent) => void (step === 2 && controller.abort(new Error('enough')));
      const aborted = sample(process, smooth, { noise: start, steps: 5, onStep, signal: controller.signal });
      await expect(aborted).rejects.toThrow('enough');
      let calls = 0;
      const failing: Denoiser = (x, t) => {
        if (++calls === 3) throw new Error('network down');
        return smooth(x, t);
      };
      await expect(sample(process, failing, { noise: start, steps: 5 })).rejects.toThrow('network down');
      const identity: Denoiser = (x) => x; // the sample itself comes back
      (await sample(process, identity, { noise: start, steps: 3 })).dispose();
    });
    const kept = tf.tensor4d(new Float32Array(24).fill(0.1), [2, 2, 2, 3]);
    (await sample(process, () => kept, { noise: start, steps: 3 })).dispose();
    expect([start.isDisposed, kept.isDisposed]).toEqual([false, false]);
  });

  test('reports every step, with t falling and the sample readable', async () => {
    const seen: StepEvent[] = [];
    const onStep = async (event: StepEvent) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(event.x!.shape).toEqual([2, 2, 2, 3]);
      seen.push(event);
    };
    await sample(process, smooth, { noise: noise(), steps: 4, onStep });
    expect(seen.map(({ step, steps }) => [step, steps])).toEqual([0, 1, 2, 3].map((step) => [step, 4]));
    const times = seen.map(({ t }) => t);
    expect(times).toEqual(times.slice().sort((a, b) => (name === 'invertDdim' ? a - b : b - a)));
  });

  test('takes a denoiser with learned variances', async () => {
    const twice: Denoiser = (x, t) => tf.concat([smooth(x, t), tf.onesLike(x)], 3);
    const options = { noise: noise(), steps: 4 };
    const plain = await sample(process, smooth, options);
    expectClose(await sample(process, twice, options), plain);
    const odd: Denoiser = (x) => tf.concat([x, x, x], 3);
    await expect(sample(process, odd, options)).rejects.toThrow(
      'denoiser: expected an output of [2, 2, 2, 3 or 6], got [2, 2, 2, 9]',
    );
  });

  test('gives the network N equal values of t', async () => {
    const model: Denoiser = (x, t) => {
      expect([t.shape, t.dtype]).toEqual([[2], 'float32']);
      expect(t.dataSync()[0]).toBe(t.dataSync()[1]);
      return smooth(x, t);
    };
    await sample(process, model, { noise: noise(), steps: 3 });
  });

  test('clips where it is asked to', async () => {
    const wild: Denoiser = (x) => tf.mul(x, -5);
    if (name === 'invertDdim') return;
    const range = async (options: object) => {
      const x = await sample(process, wild, { noise: noise(), steps: 6, ...options });
      return tf.max(tf.abs(x)).dataSync()[0];
    };
    expect(await range({ clip: false })).toBeGreaterThan(1.2);
    expect(await range({ clip: true })).toBeLessThan(1.0001);
    expect(await range({ thresholding: {} })).toBeLessThan(1.0001);
    await expect(range({ clip: -1 })).rejects.toThrow('clip: expected');
    await expect(range({ thresholding: { ratio: 2 } })).rejects.toThrow('thresholding.ratio');
    await expect(range({ thresholding: { max: 0 } })).rejects.toThrow('thresholding.max');
  });

  test('checks its options', async () => {
    const flat = tf.zeros([2, 2]) as unknown as tf.Tensor4D;
    await expect(sample(process, smooth, { noise: flat, steps: 2 })).rejects.toThrow(
      'noise: expected [N, H, W, C], got [2, 2]',
    );
    await expect(sample(process, smooth, { noise: noise(), steps: 0 })).rejects.toThrow('steps: expected');
    const signal = AbortSignal.abort(new Error('before'));
    await expect(sample(process, smooth, { noise: noise(), steps: 2, signal })).rejects.toThrow('before');
  });
});

/** The output of a network of each prediction whose noise is `epsilon`. */
function reparameterised(prediction: PredictionType, base: GaussianDiffusion): Denoiser {
  return (x, t) => {
    const step = t.dataSync()[0];
    const eps = smooth(x, t);
    const bar = base.alphasCumprod[step];
    const [alpha, sigma] = [Math.sqrt(bar), Math.sqrt(1 - bar)];
    const start = tf.div<tf.Tensor4D>(tf.sub(x, tf.mul(eps, sigma)), alpha);
    if (prediction === 'x0') return start;
    if (prediction === 'velocity') return tf.sub(tf.mul<tf.Tensor4D>(eps, alpha), tf.mul(start, sigma));
    if (prediction === 'previous') {
      return tf.add(
        tf.mul<tf.Tensor4D>(start, base.posteriorMeanCoef1[step]),
        tf.mul(x, base.posteriorMeanCoef2[step]),
      );
    }
    return eps;
  };
}

describe('all predictions are one process', () => {
  test.each(['x0', 'velocity', 'previous'] as const)('%s', async (prediction) => {
    const base = gaussianDiffusion({ timesteps: 30 });
    const other = { ...base, prediction };
    const options = { noise: noise(), steps: 30, clip: false };
    for (const [name, sample] of samplers) {
      if (name.includes('flow') || name === 'invertDdim') continue;
      const expected = await sample(base, smooth, options);
      const actual = await sample(other, reparameterised(prediction, base), options);
      expect(relativeError(actual, expected), name).toBeLessThan(1e-3);
    }
  });
  test("'previous' needs whole timesteps", async () => {
    const other = gaussianDiffusion({ prediction: 'previous' });
    await expect(sampleEuler(other, smooth, { noise: noise(), steps: 7 })).rejects.toThrow(
      "whole timesteps for 'previous'",
    );
  });
});

describe('respaced processes', () => {
  test('are sampled at their own timesteps, and the network sees the original ones', async () => {
    const respaced = gaussianDiffusion({ timesteps: 1000, respacing: '10' });
    for (const sampler of [sampleDdim, sampleDpmSolverPP2M, sampleUniPC, sampleEuler]) {
      const seen: number[] = [];
      await sampler(respaced, smooth, { noise: noise(), onStep: ({ t }) => void seen.push(t) });
      expect(seen).toEqual([...respaced.timestepMap].reverse());
    }
  });
  test('DDPM with fewer steps is DDPM of the respaced process', async () => {
    const whole = gaussianDiffusion({ timesteps: 1000, variance: 'fixed-large' });
    const respaced = gaussianDiffusion({ timesteps: 1000, variance: 'fixed-large', respacing: 'ddim10' });
    const a = await sampleDdpm(whole, smooth, { noise: noise(), steps: 10, generator: generator() });
    const b = await sampleDdpm(respaced, smooth, { noise: noise(), generator: generator() });
    expectClose(a, b);
  });
  test('a single step starts at the noisy end', async () => {
    for (const spacing of ['linspace', 'trailing'] as const) {
      const seen: number[] = [];
      const onStep = ({ t }: StepEvent) => void seen.push(t);
      for (const sampler of [sampleDdim, sampleDpmSolverPP2M, sampleEuler]) {
        await sampler(process, smooth, { noise: noise(), steps: 1, spacing, onStep });
      }
      expect(seen).toEqual([99, 99, 99]);
    }
    const leading = { noise: noise(), steps: 99, spacing: 'leading' } as const;
    const full = sampleUniPC(process, smooth, { ...leading, steps: 100, stepsOffset: 1 });
    await expect(full).rejects.toThrow("steps: expected fewer than 100 for spacing 'leading', got 100");
    expect((await sampleUniPC(process, smooth, leading)).shape).toEqual([2, 2, 2, 3]);
  });
  test('refuse timesteps outside the process', async () => {
    const options = { noise: noise(), stepsOffset: 1 };
    await expect(sampleDdim(process, smooth, { ...options, steps: 100 })).rejects.toThrow('stepsOffset: expected');
    await expect(sampleDdim(process, smooth, { ...options, steps: 101 })).rejects.toThrow('steps: expected');
    await expect(sampleDdim(process, smooth, { noise: noise(), steps: 9, startStep: 9 })).rejects.toThrow('startStep');
  });
  test.each(['karras', 'lu', 'exponential'] as const)('cosine betas with many %s steps stay finite', async (sigmas) => {
    const cosine = gaussianDiffusion({ schedule: 'cosine' });
    for (const sampler of [sampleDpmSolverPP2M, sampleUniPC, sampleEuler]) {
      const x = await sampler(cosine, smooth, { noise: noise(), steps: 60, sigmas, clip: true });
      expect(Number.isFinite(tf.sum(x).dataSync()[0])).toBe(true);
    }
  });
  test('zero terminal SNR can be sampled by every sampler', async () => {
    const zero = gaussianDiffusion({ prediction: 'velocity', zeroTerminalSnr: true });
    for (const [, sample] of samplers.slice(0, 7)) {
      const x = await sample(zero, smooth, { noise: noise(), steps: 10 });
      expect(Number.isFinite(tf.sum(x).dataSync()[0])).toBe(true);
    }
  });
});

test('noise needs a generator', async () => {
  await expect(sampleDdpm(process, smooth, { noise: noise(), steps: 2 })).rejects.toThrow('generator: expected one');
  await expect(sampleDdim(process, smooth, { noise: noise(), steps: 2, eta: 1 })).rejects.toThrow(
    'generator: expected one',
  );
  await expect(sampleDdim(process, smooth, { noise: noise(), steps: 2, eta: -1 })).rejects.toThrow('eta: expected');
});

test('a long loop lets timers and aborts through', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('by a timer')), 5);
  const slow: Denoiser = (x, t) => {
    const until = Date.now() + 3;
    while (Date.now() < until);
    return smooth(x, t);
  };
  const run = sampleDdim(gaussianDiffusion(), slow, { noise: noise(), signal: controller.signal });
  await expect(run).rejects.toThrow('by a timer');
});

test('the flow refuses what it has not', async () => {
  await expect(sampleEuler(flow, smooth, { noise: noise() })).rejects.toThrow('steps: expected');
  await expect(sampleEuler(flow, smooth, { noise: noise(), steps: 2, sigmas: 'karras' })).rejects.toThrow(
    "sigmas: expected 'process'",
  );
});

test('noise is laid out as torch draws it', () => {
  const drawn = drawNoise(createGenerator(0), [2, 4, 2, 2]);
  expect(valueAt(drawn, [0, 0, 0, 0])).toBeCloseTo(-1.1258398, 6); // torch.randn(2, 2, 4, 2)[0, 0, 0]
  expect(valueAt(drawn, [0, 0, 1, 0])).toBeCloseTo(-1.1523602, 6);
});

test('the bound leaks nothing, finished or aborted', async () => {
  const x0 = tf.clipByValue(noise(), -1, 1);
  const short = gaussianDiffusion({ schedule: 'cosine', timesteps: 5 });
  await expectNoLeak(async () => {
    const bound = await bitsPerDimension(short, smooth, { x0, generator: generator() });
    expect([bound.vb.shape, bound.total.shape]).toEqual([[2, 5], [2]]);
    tf.dispose(Object.values(bound));
    const controller = new AbortController();
    const onStep = ({ step }: StepEvent) => void (step === 1 && controller.abort(new Error('enough')));
    const options = { x0, generator: generator(), onStep, signal: controller.signal };
    await expect(bitsPerDimension(short, smooth, options)).rejects.toThrow('enough');
  });
});

test('the reference sample and model are those of the reference', () => {
  expect(valueAt(referenceModel(referenceSample(), tf.tensor1d([1, 1, 1, 1])), [3, 0, 1, 2])).toBeCloseTo(
    (128 * 4 + 4 + 3) / 768 / 2,
    6,
  );
});
