import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { absoluteSum, referenceModel, referenceSample } from '../test/helpers';
import type { Denoiser } from './denoiser';
import { invertDdim } from './invert-ddim';
import { type GaussianDiffusionOptions, gaussianDiffusion } from './process';
import { qSample } from './q-sample';
import { type DdimOptions, sampleDdim } from './sample-ddim';
import { type DdpmOptions, sampleDdpm } from './sample-ddpm';
import { sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { sampleEuler } from './sample-euler';
import { sampleUniPC } from './sample-unipc';
import { sigmaGrid } from './sigma-grid';

// Sums and means of |x| that diffusers' own scheduler tests state (diffusers' tests/schedulers), with their tolerances.
const linear = (options: GaussianDiffusionOptions = {}, betaStart = 1e-4) =>
  gaussianDiffusion({ schedule: { kind: 'linear', betaStart }, ...options });
const velocity = { prediction: 'velocity' } as const;

function expectRow(x: tf.Tensor4D, { sum, mean }: { sum?: number; mean: number }): void {
  const result = absoluteSum(x);
  if (sum !== undefined) expect(Math.abs(result.sum - sum), `sum ${result.sum}`).toBeLessThan(1e-2);
  expect(Math.abs(result.mean - mean), `mean ${result.mean}`).toBeLessThan(1e-3);
}

function noised(process: ReturnType<typeof linear>, t: number): tf.Tensor4D {
  return qSample(process, referenceSample(), new Int32Array(4).fill(t), referenceSample(true));
}

beforeAll(useTestBackend);

describe('ddpm', () => {
  const run = (options: GaussianDiffusionOptions, more: Partial<DdpmOptions> = {}) =>
    sampleDdpm(linear(options), referenceModel, { noise: referenceSample(), generator: createGenerator(0), ...more });

  test('1000 steps', async () => expectRow(await run({}), { sum: 258.9606, mean: 0.3372 }));
  test('v prediction', async () => expectRow(await run(velocity), { sum: 202.0296, mean: 0.2631 }));
  test('from step 1, in float32 arithmetic', async () => {
    const process = linear({ precision: 'float32' });
    const options = { noise: noised(process, 1), generator: createGenerator(0), startStep: 998 };
    expectRow(await sampleDdpm(process, referenceModel, options), { sum: 387.9466, mean: 0.5051 });
  });
});

describe('ddim', () => {
  const run = (options: GaussianDiffusionOptions, betaStart?: number, more: Partial<DdimOptions> = {}) =>
    sampleDdim(linear(options, betaStart), referenceModel, { noise: referenceSample(), steps: 10, ...more });

  test('10 steps', async () => expectRow(await run({}), { sum: 172.0067, mean: 0.223967 }));
  test('v prediction', async () => expectRow(await run(velocity), { sum: 52.5302, mean: 0.0684 }));
  test('alpha set to one', async () => expectRow(await run({}, 0.01), { sum: 149.8295, mean: 0.1951 }));
  test('alpha not set to one', async () =>
    expectRow(await run({}, 0.01, { setAlphaToOne: false }), { sum: 149.0784, mean: 0.1941 }));
  test('from step 8', async () =>
    expectRow(await run({}, 1e-4, { noise: noised(linear(), 100), startStep: 8 }), { sum: 354.5418, mean: 0.4616 }));
  test('steps offset 1', async () => {
    const seen: number[] = [];
    const onStep = ({ t }: { t: number }) => void seen.push(t);
    (await run({}, 1e-4, { steps: 5, stepsOffset: 1, onStep })).dispose();
    expect(seen).toEqual([801, 601, 401, 201, 1]);
  });
});

describe('ddim inversion', () => {
  const run = (options: GaussianDiffusionOptions, betaStart: number, setAlphaToOne: boolean) =>
    invertDdim(linear(options, betaStart), referenceModel, { noise: referenceSample(), steps: 10, setAlphaToOne });

  test('10 steps', async () => expectRow(await run({}, 1e-4, true), { sum: 671.6816, mean: 0.8746 }));
  test('v prediction', async () => expectRow(await run(velocity, 1e-4, true), { sum: 1394.2185, mean: 1.8154 }));
  test('alpha set to one', async () => expectRow(await run({}, 0.01, true), { sum: 539.9622, mean: 0.7031 }));
  test('alpha not set to one', async () => expectRow(await run({}, 0.01, false), { sum: 542.6722, mean: 0.7066 }));
});

describe('dpm-solver++ 2M', () => {
  const run = (options: GaussianDiffusionOptions, more: object = {}) =>
    sampleDpmSolverPP2M(linear(options), referenceModel, {
      noise: referenceSample(),
      steps: 10,
      finalSigma: 'sigma-min',
      lowerOrderFinal: false,
      ...more,
    });

  test('10 steps', async () => expectRow(await run({}), { mean: 0.3301 }));
  test('v prediction', async () => expectRow(await run(velocity), { mean: 0.2251 }));
  test('karras, v', async () => expectRow(await run(velocity, { sigmas: 'karras' }), { mean: 0.2096 }));
  test('lu, v', async () => expectRow(await run(velocity, { sigmas: 'lu' }), { mean: 0.1554 }));
  test('thresholding', async () =>
    expectRow(await run({}, { thresholding: { ratio: 0.87, max: 0.5 } }), { mean: 1.1364 }));
  test('from step 5', async () => {
    const process = linear();
    const t = Math.round(
      sigmaGrid(process, { steps: 10, spacing: 'linspace', family: 'open', range: 'process' })[5].time,
    );
    expectRow(await run({}, { noise: noised(process, t), startStep: 5 }), { sum: 318.4111, mean: 0.4146 });
  });
});

describe('unipc', () => {
  const run = (options: GaussianDiffusionOptions, more: object = {}) =>
    sampleUniPC(linear(options), referenceModel, {
      noise: referenceSample(),
      steps: 10,
      finalSigma: 'sigma-min',
      ...more,
    });

  test('10 steps', async () => expectRow(await run({}), { mean: 0.2464 }));
  test('karras', async () => expectRow(await run({}, { sigmas: 'karras' }), { mean: 0.2925 }));
  test('v prediction', async () => expectRow(await run(velocity), { mean: 0.1014 }));
  test('karras, v', async () => expectRow(await run(velocity, { sigmas: 'karras' }), { mean: 0.1966 }));
  test('from step 8', async () => {
    const process = linear();
    const t = Math.round(
      sigmaGrid(process, { steps: 10, spacing: 'linspace', family: 'open', range: 'process' })[8].time,
    );
    expectRow(await run({}, { noise: noised(process, t), startStep: 8 }), { sum: 315.5757, mean: 0.4109 });
  });
});

/**
 * diffusers' Euler test hands the scaled sample x/√(σ²+1), not x, to the step. With x = √(σ²+1) z in sigma space, this
 * model turns our step z -> (x + Δ ε) / √(σ'²+1) into theirs: it adds (z - x) / Δ to the noise.
 */
function quirk(options: GaussianDiffusionOptions, grid: object, startStep = 0) {
  const process = gaussianDiffusion({ schedule: { kind: 'linear' }, timesteps: 1100, ...options });
  const points = sigmaGrid(process, {
    steps: 10,
    spacing: 'linspace',
    family: 'fractional',
    range: 'timesteps',
    ...grid,
  });
  const scaled = tf.mul<tf.Tensor4D>(referenceSample(), points[0].level); // their sample times init_noise_sigma
  const added =
    startStep > 0 ? tf.mul<tf.Tensor4D>(referenceSample(true), points[startStep].level) : tf.zerosLike(scaled);
  const start = tf.mul<tf.Tensor4D>(tf.add(scaled, added), points[startStep].alpha);
  let step = startStep - 1;
  const model: Denoiser = (z, t) => {
    const { level, alpha, sigma } = points[++step];
    const output = referenceModel(z, t);
    const v = process.prediction === 'velocity';
    // x_0 = x/(σ²+1) - v σ/√(σ²+1) of the step's own sample, which is z; ε = (z - x_0) / level
    const noise = v ? tf.div(tf.sub(z, tf.sub(tf.mul(z, alpha ** 2), tf.mul(output, sigma))), level) : output;
    const extra = tf.mul(z, (1 - 1 / alpha) / (points[step + 1].level - level));
    return tf.add(noise, extra);
  };
  const epsilon = { ...process, prediction: 'epsilon' } as const;
  return sampleEuler(epsilon, model, { noise: start, steps: 10, startStep, ...grid });
}

describe('euler, as the test feeds it', () => {
  test('10 steps', async () => expectRow(await quirk({}, {}), { sum: 10.0807, mean: 0.0131 }));
  test('v prediction', async () => expectRow(await quirk(velocity, {}), { sum: 0.0002, mean: 2.2676e-6 }));
  test('from step 8, to float32', async () => {
    const { sum, mean } = absoluteSum(await quirk({}, {}, 8));
    expect(Math.abs(sum / 57062.9297 - 1)).toBeLessThan(2e-6); // 1e-2 of this sum is less than float32 resolves
    expect(Math.abs(mean - 74.3007)).toBeLessThan(1e-3);
  });
  test('karras', async () => expectRow(await quirk({}, { sigmas: 'karras' }), { sum: 124.52299, mean: 0.162139 }));
});
