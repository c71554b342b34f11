import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DATA, exactDenoiser, gaussianSolution, levelsOf, meanAndStd } from '../test/helpers';
import type { Denoiser } from './denoiser';
import { invertDdim } from './invert-ddim';
import type { StepEvent } from './loop';
import { drawNoise } from './noise';
import {
  type GaussianDiffusion,
  type GaussianDiffusionOptions,
  gaussianDiffusion,
  type PredictionType,
} from './process';
import { sampleDdim } from './sample-ddim';
import { sampleDdpm } from './sample-ddpm';
import { sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { sampleEuler } from './sample-euler';
import { sampleHeun } from './sample-heun';
import { sampleUniPC } from './sample-unipc';

/** Every schedule; zero terminal SNR by rescaling and by a last beta of 1; respaced; of one step. */
const processes: Record<string, GaussianDiffusionOptions> = {
  linear: { schedule: 'linear', timesteps: 100 },
  'linear, zero SNR': { schedule: 'linear', timesteps: 100, zeroTerminalSnr: true },
  'linear of 20 steps, its last beta 1': { schedule: 'linear', timesteps: 20 },
  'linear, ends given': { schedule: { kind: 'linear', betaStart: 1e-3, betaEnd: 0.3 }, timesteps: 50 },
  cosine: { schedule: 'cosine', timesteps: 200 },
  'cosine, zero SNR': { schedule: 'squaredcos_cap_v2', timesteps: 50, zeroTerminalSnr: true },
  'cosine of 4000 steps, respaced': { schedule: 'cosine', timesteps: 4000, respacing: '5,10,15' },
  'cosine, zero SNR, respaced': { schedule: 'cosine', timesteps: 100, zeroTerminalSnr: true, respacing: '30' },
  quad: { schedule: 'quad', timesteps: 200 },
  scaled_linear: { schedule: { kind: 'scaled_linear', betaStart: 1e-3, betaEnd: 0.1 }, timesteps: 100 },
  warmup10: { schedule: 'warmup10', timesteps: 200 },
  warmup50: { schedule: { kind: 'warmup50', betaEnd: 0.05 }, timesteps: 100 },
  const: { schedule: { kind: 'const', betaEnd: 0.05 }, timesteps: 100 },
  jsd: { schedule: 'jsd', timesteps: 50 },
  sigmoid: { schedule: { kind: 'sigmoid', betaEnd: 0.1 }, timesteps: 100 },
  'betas given': { schedule: { kind: 'betas', betas: [0.1, 0.5, 0.9] }, timesteps: 3 },
  'one step': { schedule: { kind: 'betas', betas: [0.9] }, timesteps: 1 },
};
const predictions: PredictionType[] = ['epsilon', 'x0', 'previous', 'velocity'];

interface Trajectory {
  steps: number;
  spacing?: 'leading' | 'trailing' | 'linspace';
  sigmas?: 'karras' | 'exponential';
  finalSigma?: 'zero' | 'sigma-min';
}
type Options = Trajectory & { noise: tf.Tensor4D; clip: false; onStep?: (event: StepEvent) => void };
type Run = (process: GaussianDiffusion, denoiser: Denoiser, options: Options) => Promise<tf.Tensor4D>;

interface Sampler {
  run: Run;
  /** Rounds its timesteps and ends at 0, walks levels of sigma, or walks them at fractional timesteps. */
  family: 'closed' | 'sigma' | 'ode';
  /** Order of convergence; 0: draws noise. */
  order: 0 | 1 | 2;
  /**
   * A solver that averages ε over a step multiplies an error of x by the ratio of the step's levels, one that keeps only ε
   * by the whole path's too: so the rounding of float32 grows where the levels span decades.
   */
  noiseGrowth?: 'step' | 'path';
}

const generator = () => createGenerator(1);
const closed = (order: 0 | 1, run: Run): Sampler => ({ run, family: 'closed', order });
const dpm = (order: 1 | 2, solverType: 'midpoint' | 'heun'): Sampler => ({
  run: (p, d, o) => sampleDpmSolverPP2M(p, d, { ...o, roundTimesteps: false, order, solverType }),
  family: 'sigma',
  order,
});
const unipc = (order: 1 | 2 | 3, solverType: 'bh1' | 'bh2', predictX0 = true): Sampler => ({
  run: (p, d, o) => sampleUniPC(p, d, { ...o, roundTimesteps: false, order, solverType, predictX0 }),
  family: 'sigma',
  order: 2,
  noiseGrowth: predictX0 ? undefined : 'path',
});
const samplers: Record<string, Sampler> = {
  DDPM: closed(0, (p, d, o) => sampleDdpm(p, d, { ...o, generator: generator() })),
  DDIM: closed(1, sampleDdim),
  'DDIM, eta 1': closed(0, (p, d, o) => sampleDdim(p, d, { ...o, eta: 1, generator: generator() })),
  'DDIM, ε again': closed(1, (p, d, o) => sampleDdim(p, d, { ...o, useClippedOutput: true })),
  'DPM-Solver++ 1': dpm(1, 'midpoint'),
  'DPM-Solver++ 2M': dpm(2, 'midpoint'),
  'DPM-Solver++ 2M, heun': dpm(2, 'heun'),
  'UniPC 1, bh1': unipc(1, 'bh1'),
  'UniPC 2, bh1': unipc(2, 'bh1'),
  'UniPC 3, bh1': unipc(3, 'bh1'),
  'UniPC 2, bh2': unipc(2, 'bh2'),
  'UniPC 3, bh2': unipc(3, 'bh2'),
  'UniPC 2, bh1, of noise': unipc(2, 'bh1', false),
  'UniPC 3, bh2, of noise': unipc(3, 'bh2', false),
  Euler: { run: sampleEuler, family: 'ode', order: 1 },
  Heun: { run: sampleHeun, family: 'ode', order: 2, noiseGrowth: 'step' },
};
const names = Object.keys(processes);
const START = [-1.5, -0.2, 0.7, 2];

/** A process of the table; undefined where it is refused: noise says nothing of x_0 where there is only noise. */
function makeProcess(name: string, prediction: PredictionType): GaussianDiffusion | undefined {
  const pure = gaussianDiffusion({ ...processes[name], prediction: 'x0' }).alphasCumprod.at(-1) === 0;
  if (!pure || prediction !== 'epsilon') return gaussianDiffusion({ ...processes[name], prediction });
  const message = processes[name].zeroTerminalSnr
    ? 'zeroTerminalSnr: expected'
    : 'schedule: expected alpha-bar above 0';
  expect(() => gaussianDiffusion({ ...processes[name], prediction })).toThrow(message);
  return undefined;
}

/** Spacings, curves of sigma and both ends, as far as the sampler has them; `previous` has no fractional timesteps. */
function trajectories(steps: number, { family }: Sampler, prediction: PredictionType): Trajectory[] {
  const whole = prediction === 'previous';
  const spacings = (['leading', 'trailing', 'linspace'] as const).filter(
    (spacing) => !(whole && family === 'ode' && spacing === 'linspace'),
  );
  const curves = family === 'closed' || whole ? [] : (['karras', 'exponential'] as const);
  const lays = [...spacings.map((spacing) => ({ spacing })), ...curves.map((sigmas) => ({ sigmas }))];
  if (family === 'closed') return lays.map((lay) => ({ steps, ...lay }));
  return lays.flatMap((lay) => (['zero', 'sigma-min'] as const).map((finalSigma) => ({ steps, ...lay, finalSigma })));
}

/** Runs a sampler from START with the exact network of the data: the result, and the exact solution of the ODE. */
async function solve(process: GaussianDiffusion, sampler: Sampler, trajectory: Trajectory, data: typeof DATA) {
  const between = trajectory.sigmas ? 'log' : 'linear';
  const levelAt = levelsOf(process, between);
  const levels: number[] = [];
  const onStep = ({ t }: StepEvent) => void levels.push(levelAt(t));
  const noise = tf.tensor4d(START, [4, 1, 1, 1]);
  const options: Options = { noise, clip: false, onStep, ...trajectory };
  const x = await sampler.run(process, exactDenoiser(process, data, between), options);
  const values = [...x.dataSync()];
  tf.dispose([noise, x]);
  const to = trajectory.finalSigma === 'sigma-min' ? levelAt(process.timestepMap[0]) : 0;
  const expected = START.map((value) => gaussianSolution(value, levels[0], to, data));
  const error = Math.max(...values.map((value, i) => Math.abs(value - expected[i])));
  const ratios = levels.map((level, i) => level / ((levels[i + 1] ?? to) || 1));
  const growth = { none: 0, step: 1, path: levels[0] }[sampler.noiseGrowth ?? 'none'] * Math.max(...ratios) + 1;
  return { error, growth, values };
}

/** The rounding of float32, and how much of it a small divisor makes where x_0 is derived from the network's output. */
function rounding({ prediction, sqrtAlphasCumprod, posteriorMeanCoef1 }: GaussianDiffusion): number {
  const divisors = { epsilon: sqrtAlphasCumprod, previous: posteriorMeanCoef1, x0: [1], velocity: [1] };
  return 4e-5 + 1e-6 / Math.min(...divisors[prediction]);
}

beforeAll(useTestBackend);

/** Data without spread: x_0 and ε are constant along the path, so that every solver is exact in any number of steps. */
describe.each(Object.keys(samplers))('%s reaches a point, in any number of steps', (samplerName) => {
  const sampler = samplers[samplerName];
  test.each(names)('%s', async (name) => {
    for (const prediction of predictions) {
      const process = makeProcess(name, prediction);
      if (!process) continue;
      const counts = new Set([1, 2, 7, process.timesteps].filter((steps) => steps <= Math.min(process.timesteps, 30)));
      for (const trajectory of [...counts].flatMap((steps) => trajectories(steps, sampler, prediction))) {
        const { error, growth, values } = await solve(process, sampler, trajectory, { mean: 0.3, std: 0 });
        const what = `${prediction} ${JSON.stringify(trajectory)}: ${values}`;
        expect(values.every(Number.isFinite), what).toBe(true);
        const largest = growth * rounding(process);
        if (largest < 1) expect(error, what).toBeLessThan(largest);
      }
    }
  });
});

/** Normal data: the solution of the ODE is known, and three times the steps come nearer to it as the order says. */
const schedules: Record<string, GaussianDiffusionOptions> = {
  linear: { schedule: 'linear' },
  'linear, zero SNR': { schedule: 'linear', zeroTerminalSnr: true },
  cosine: { schedule: 'cosine' },
  'cosine, zero SNR': { schedule: 'cosine', zeroTerminalSnr: true },
  'cosine of 4000 steps, respaced': { schedule: 'cosine', timesteps: 4000, respacing: '200,300' },
  quad: { schedule: 'quad' },
  warmup10: { schedule: 'warmup10' },
  warmup50: { schedule: 'warmup50' },
  const: { schedule: { kind: 'const', betaEnd: 0.005 } },
  jsd: { schedule: 'jsd' },
  sigmoid: { schedule: 'sigmoid' },
};
const deterministic = Object.keys(samplers).filter((name) => samplers[name].order > 0);
describe.each(deterministic)('%s converges to the ODE of a Gaussian', (samplerName) => {
  const sampler = samplers[samplerName];
  const lays: Omit<Trajectory, 'steps'>[] = [{ spacing: 'trailing' }, { spacing: 'leading' }];
  if (sampler.family !== 'closed') lays.push({ sigmas: 'exponential', finalSigma: 'sigma-min' });
  test.each(Object.keys(schedules))('%s', async (name) => {
    const process = gaussianDiffusion({ ...schedules[name], prediction: 'velocity' });
    for (const lay of lays) {
      const few = await solve(process, sampler, { steps: 20, ...lay }, DATA);
      const many = await solve(process, sampler, { steps: 60, ...lay }, DATA);
      const order = lay.sigmas ? sampler.order : 1; // the last of evenly spaced steps is long in log sigma
      const what = `${JSON.stringify(lay)}: ${few.error}, then ${many.error}`;
      expect(many.error, what).toBeLessThan(6e-3 + few.error * 3 ** (0.4 - order));
      expect(many.error, what).toBeLessThan(0.2);
    }
  });
});

describe.each(['DDPM', 'DDIM, eta 1'])('%s ends at the mean and standard deviation of a Gaussian', (samplerName) => {
  test.each(names.filter((name) => processes[name].timesteps! >= 50 && !processes[name].respacing))(
    '%s',
    async (name) => {
      for (const variance of ['fixed-small', 'fixed-large'] as const) {
        if (samplerName !== 'DDPM' && variance === 'fixed-large') continue; // DDIM has no use for it
        const process = gaussianDiffusion({ ...processes[name], prediction: 'x0', variance });
        const noise = drawNoise(createGenerator(3), [4, 16, 32, 1]);
        const options = { noise, clip: false, steps: Math.min(100, process.timesteps), spacing: 'trailing' } as const;
        const x = await samplers[samplerName].run(process, exactDenoiser(process, DATA), options);
        const { mean, std } = meanAndStd(x);
        tf.dispose([noise, x]);
        expect(Math.abs(mean - DATA.mean), `mean ${mean}`).toBeLessThan(0.05);
        expect(Math.abs(std - DATA.std), `std ${std}`).toBeLessThan(0.08);
      }
    },
  );
});

describe('DDIM, inverted and sampled again, returns the images', () => {
  test.each(names)('%s', async (name) => {
    for (const prediction of predictions) {
      const process = makeProcess(name, prediction);
      if (!process) continue;
      for (const steps of new Set([1, 2, Math.min(7, process.timesteps), process.timesteps])) {
        for (const previousTimestep of ['spaced', 'stride'] as const) {
          if (steps > process.timesteps) continue;
          const images = tf.tensor4d([-0.6, 0.1, 0.3, 0.9], [4, 1, 1, 1]);
          const options = { noise: images, steps, previousTimestep, clip: false } as const;
          const x = await invertDdim(process, exactDenoiser(process, DATA), options);
          const what = `${prediction} ${steps} ${previousTimestep}: ${x.dataSync()}`;
          expect(x.dataSync().every(Number.isFinite), what).toBe(true);
          const back = await sampleDdim(process, exactDenoiser(process, DATA), { ...options, noise: x });
          if (steps >= 50) expect(Math.max(...tf.abs(tf.sub(back, images)).dataSync()), what).toBeLessThan(0.15);
          tf.dispose([images, x, back]);
        }
      }
    }
  });
});
