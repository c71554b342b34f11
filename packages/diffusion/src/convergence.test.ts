import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DATA, gaussianDenoiser, gaussianSolution, logLevelAt, meanAndStd } from '../test/helpers';
import { flowMatching } from './flow-matching';
import { invertDdim } from './invert-ddim';
import { drawNoise } from './noise';
import { gaussianDiffusion } from './process';
import { sampleDdim } from './sample-ddim';
import { sampleDdpm } from './sample-ddpm';
import { sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { sampleEuler } from './sample-euler';
import { sampleHeun } from './sample-heun';
import { sampleUniPC } from './sample-unipc';

const process = gaussianDiffusion({ schedule: 'linear', timesteps: 1000 });
const denoiser = gaussianDenoiser(process);
const START = [-1.5, -0.2, 0.7, 2];
const start = () => tf.tensor4d(START, [4, 1, 1, 1]);

beforeAll(useTestBackend);

async function slopes(counts: number[], error: (steps: number) => Promise<number>): Promise<number[]> {
  const errors: number[] = [];
  for (const steps of counts) errors.push(await error(steps));
  return errors.slice(1).map((e, i) => Math.log(errors[i] / e) / Math.log(counts[i + 1] / counts[i]));
}

function worst(x: tf.Tensor4D, expected: number[]): number {
  const values = [...x.dataSync()];
  x.dispose();
  return Math.max(...values.map((value, i) => Math.abs(value - expected[i])));
}

describe('order of convergence on a Gaussian', () => {
  const [low, high] = [Math.exp(logLevelAt(process, 0)), Math.exp(logLevelAt(process, 999))];
  const exact = START.map((x) => gaussianSolution(x, high, low));
  const grid = { sigmas: 'exponential', finalSigma: 'sigma-min', roundTimesteps: false } as const;
  const error =
    (sampler: typeof sampleEuler | typeof sampleUniPC | typeof sampleDpmSolverPP2M, more: object = {}) =>
    async (steps: number) =>
      worst(await sampler(process, denoiser, { noise: start(), steps, ...grid, ...more }), exact);
  const last = (values: number[]) => values[values.length - 1];

  test('Euler: 1', async () => {
    expect(last(await slopes([16, 32, 64, 128], error(sampleEuler)))).toBeCloseTo(1, 1);
  });
  test('DDIM: 1', async () => {
    const end = START.map((x) => gaussianSolution(x, high, 0));
    const ddim = async (steps: number) =>
      worst(await sampleDdim(process, denoiser, { noise: start(), steps, spacing: 'linspace', clip: false }), end);
    const [slope] = await slopes([50, 200], ddim);
    expect(slope).toBeGreaterThan(0.85);
    expect(slope).toBeLessThan(1.2);
  });
  test('Heun: 2', async () => {
    expect(last(await slopes([16, 32, 64], error(sampleHeun)))).toBeGreaterThan(1.8);
  });
  test.each(['midpoint', 'heun'] as const)('DPM-Solver++ 2M, %s: 2', async (solverType) => {
    const more = { solverType, lowerOrderFinal: false };
    expect(last(await slopes([16, 32, 64], error(sampleDpmSolverPP2M, more)))).toBeGreaterThan(1.8);
  });
  test('DPM-Solver++ at order 1: 1', async () => {
    expect(last(await slopes([32, 64, 128], error(sampleDpmSolverPP2M, { order: 1 })))).toBeCloseTo(1, 1);
  });
  test.each([
    [1, 'bh1', true, 1.7],
    [1, 'bh2', true, 1.7],
    [2, 'bh1', true, 2],
    [2, 'bh2', true, 2],
    [3, 'bh2', true, 2.5],
    [2, 'bh2', false, 2],
  ] as const)('UniPC of order %d, %s, predictX0 %s: at least %d', async (order, solverType, predictX0, least) => {
    const more = { order, solverType, predictX0, lowerOrderFinal: false };
    const [first, second] = await slopes([16, 32, 64], error(sampleUniPC, more));
    expect(Math.max(first, second)).toBeGreaterThan(least);
  });

  test('the flow: Euler 1, Heun 2', async () => {
    const velocity = (x: tf.Tensor4D, t: tf.Tensor1D) => {
      const s = t.dataSync()[0] / 1000;
      const variance = (1 - s) ** 2 * DATA.std ** 2 + s ** 2;
      // E[noise - x_0 | x]: regression of both on x
      const slope = (s - (1 - s) * DATA.std ** 2) / variance;
      return tf.add<tf.Tensor4D>(tf.mul(tf.sub(x, (1 - s) * DATA.mean), slope), -DATA.mean);
    };
    const exactFlow = START.map((x) => DATA.mean + DATA.std * x);
    const run = (sampler: typeof sampleEuler) => async (steps: number) =>
      worst(await sampler(flowMatching(), velocity, { noise: start(), steps }), exactFlow);
    expect(last(await slopes([16, 32, 64], run(sampleEuler)))).toBeCloseTo(1, 1);
    expect(last(await slopes([8, 16, 32], run(sampleHeun)))).toBeGreaterThan(1.8);
  });
});

test('Euler in sigma space is DDIM', async () => {
  const options = { noise: start(), steps: 7, spacing: 'leading' as const, clip: false };
  const euler = await sampleEuler(process, denoiser, options);
  const ddim = await sampleDdim(process, denoiser, options);
  expect(worst(euler, [...ddim.dataSync()])).toBeLessThan(2e-6);
});

describe('sampling a Gaussian gives its mean and standard deviation', () => {
  const noise = () => drawNoise(createGenerator(3), [16, 16, 16, 1]);
  const expectMoments = (x: tf.Tensor4D) => {
    const { mean, std } = meanAndStd(x);
    expect(Math.abs(mean - DATA.mean)).toBeLessThan(0.03);
    expect(Math.abs(std - DATA.std)).toBeLessThan(0.04); // the small variance is right for data without spread, low otherwise
  };
  const generator = () => createGenerator(4);

  test.each(['fixed-small', 'fixed-large'] as const)('DDPM, %s', async (variance) => {
    const options = { noise: noise(), generator: generator(), clip: false, steps: 100 };
    expectMoments(await sampleDdpm({ ...process, variance }, denoiser, { ...options, spacing: 'trailing' }));
  });
  test.each([0, 0.5, 1])('DDIM, eta %d', async (eta) => {
    const options = { noise: noise(), generator: generator(), clip: false, steps: 100, eta };
    expectMoments(await sampleDdim(process, denoiser, { ...options, spacing: 'trailing' }));
  });
  test('UniPC, 40 steps', async () => {
    expectMoments(await sampleUniPC(process, denoiser, { noise: noise(), steps: 40 }));
  });
});

test('inversion, then sampling, returns the start: the error falls with the steps', async () => {
  const images = [-0.6, 0.1, 0.3, 0.9];
  const error = async (steps: number) => {
    const x0 = tf.tensor4d(images, [4, 1, 1, 1]);
    const options = { steps, spacing: 'trailing' as const, clip: false };
    const noise = await invertDdim(process, denoiser, { ...options, noise: x0 });
    return worst(await sampleDdim(process, denoiser, { ...options, noise }), images);
  };
  const [first, second] = await slopes([20, 60, 200], error);
  expect(Math.min(first, second)).toBeGreaterThan(0.7);
  expect(await error(500)).toBeLessThan(1e-2);
});

test('a straight flow is exact in one Euler step', async () => {
  const target = tf.tensor4d([0.4, -0.3, 0.2, -0.9], [4, 1, 1, 1]);
  const toPoint = (x: tf.Tensor4D, t: tf.Tensor1D) =>
    tf.div<tf.Tensor4D>(tf.sub(x, target), tf.reshape(tf.div(t, 1000), [-1, 1, 1, 1]));
  const x = await sampleEuler(flowMatching(), toPoint, { noise: start(), steps: 1 });
  expect(worst(x, [...target.dataSync()])).toBeLessThan(1e-6);
});
