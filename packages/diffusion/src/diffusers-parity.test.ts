import { createGenerator } from '@learngene/random';
import { readFixture, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { referenceModel, referenceSample, toNchw } from '../test/helpers';
import { flowMatching } from './flow-matching';
import { invertDdim } from './invert-ddim';
import type { StepEvent } from './loop';
import { type GaussianDiffusionOptions, gaussianDiffusion } from './process';
import { type DdimOptions, sampleDdim } from './sample-ddim';
import { type DdpmOptions, sampleDdpm } from './sample-ddpm';
import { type DpmSolverPP2MOptions, sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { type EulerOptions, sampleEuler } from './sample-euler';
import { sampleHeun } from './sample-heun';
import { sampleUniPC, type UniPCOptions } from './sample-unipc';

interface Row {
  timesteps: number[];
  values: number[];
}
const { rows, oneStep } = readFixture<{ rows: Record<string, Row>; oneStep: Record<string, number> }>(
  import.meta.url,
  '../fixtures/samplers.json',
);
const SPACINGS = ['leading', 'trailing', 'linspace'] as const;
const stride = { previousTimestep: 'stride', clip: true } as const;

type Process = GaussianDiffusionOptions & { betaStart?: number };
const linear = ({ betaStart = 1e-4, ...options }: Process = {}) =>
  gaussianDiffusion({ schedule: { kind: 'linear', betaStart }, ...options });
const v: Process = { prediction: 'velocity' };
const x0: Process = { prediction: 'x0' };

/** Runs a sampler on the reference problem; compares every 31st value and the timesteps with the fixture's. */
async function expectRow(
  name: string,
  sample: (options: { noise: tf.Tensor4D; onStep: (event: StepEvent) => void }) => Promise<tf.Tensor4D>,
): Promise<void> {
  const seen: number[] = [];
  const result = await sample({ noise: referenceSample(), onStep: ({ t }) => void seen.push(t) });
  const values = Float64Array.from(rows[name].values, (_, i) => toNchw(result)[31 * i]);
  const error = relativeError(values, rows[name].values);
  expect(error, name).toBeLessThan(3e-5);
  const expected = rows[name].timesteps;
  const distinct = expected.filter((t, i) => i === 0 || t !== expected[i - 1]); // Heun's list names most twice
  expect(relativeError(seen, distinct.slice(-seen.length))).toBeLessThan(1e-5);
}

beforeAll(useTestBackend);

describe('ddim', () => {
  const cases: [string, Partial<DdimOptions>, Process?][] = [
    ['ddim leading', { steps: 8 }],
    ['ddim trailing', { steps: 8, spacing: 'trailing' }],
    ['ddim sample', { spacing: 'trailing' }, x0],
    ['ddim clipped output none', { clip: false }],
    ['ddim range 0.4', { clip: 0.4 }],
    ['ddim zero snr', { spacing: 'trailing' }, { ...v, zeroTerminalSnr: true }],
    ['ddim thresholding', { thresholding: { ratio: 0.6, max: 3 } }, { betaStart: 0.01 }],
  ];
  test.each(cases)('%s', (name, options, process) =>
    expectRow(name, (run) => sampleDdim(linear(process), referenceModel, { ...run, steps: 10, ...options })),
  );
  const notDividing = SPACINGS.flatMap((spacing) => [7, 30].map((steps) => [spacing, steps] as const));
  test.each(notDividing)('%s, %d steps do not divide 1000', (spacing, steps) =>
    expectRow(`ddim ${spacing} ${steps}`, (run) =>
      sampleDdim(linear(), referenceModel, { ...run, ...stride, steps, spacing }),
    ),
  );
  test.each(SPACINGS)('%s, 7 steps, eta 0.6', (spacing) =>
    expectRow(`ddim ${spacing} 7 eta`, (run) => {
      const options = { ...run, ...stride, steps: 7, spacing, eta: 0.6, generator: createGenerator(0) };
      return sampleDdim(linear(), referenceModel, options);
    }),
  );
  test.each(['leading', 'trailing'] as const)('inverse %s, 7 steps', (spacing) =>
    expectRow(`inverse ${spacing} 7`, (run) =>
      invertDdim(linear(), referenceModel, { ...run, ...stride, steps: 7, spacing }),
    ),
  );
  test('inverse trailing', () =>
    expectRow('inverse trailing', (run) =>
      invertDdim(linear(), referenceModel, { ...run, steps: 10, spacing: 'trailing' }),
    ));
});

describe('ddpm', () => {
  const cases: [string, Partial<DdpmOptions>, Process?][] = [
    ['ddpm 10', {}],
    ['ddpm fixed_large', {}, { variance: 'fixed-large' }],
    ['ddpm cosine', { steps: 25, spacing: 'linspace' }, { schedule: 'cosine', precision: 'float32' }],
    ['ddpm sample', { spacing: 'trailing' }, x0],
  ];
  test.each(cases)('%s', (name, options, process) =>
    expectRow(name, (run) => {
      const generator = createGenerator(0);
      return sampleDdpm(linear(process), referenceModel, { ...run, steps: 10, generator, ...options });
    }),
  );
  test.each(SPACINGS)('%s, 7 steps do not divide 1000', (spacing) =>
    expectRow(`ddpm ${spacing} 7`, (run) =>
      sampleDdpm(linear(), referenceModel, { ...run, steps: 7, spacing, generator: createGenerator(0) }),
    ),
  );
  test('ddpm learned_range', () =>
    expectRow('ddpm learned_range', (run) =>
      sampleDdpm(
        linear({ variance: 'learned-range' }),
        (x, t) => tf.concat([referenceModel(x, t), tf.mul<tf.Tensor4D>(tf.cos(tf.mul(x, 3)), 0.5)], 3),
        { ...run, steps: 10, generator: createGenerator(0) },
      ),
    ));
});

describe('dpm-solver++ 2M', () => {
  const free = { finalSigma: 'sigma-min', lowerOrderFinal: false } as const;
  const cases: [string, Partial<DpmSolverPP2MOptions>, Process?][] = [
    ['dpm leading', { steps: 9, spacing: 'leading' }],
    ['dpm trailing', { steps: 9, spacing: 'trailing' }],
    ['dpm linspace', { steps: 9 }],
    ['dpm order 1', { order: 1 }],
    ['dpm heun', { solverType: 'heun' }],
    ['dpm heun 20', { solverType: 'heun', steps: 20, finalSigma: 'sigma-min' }],
    ['dpm 20 euler at final', { steps: 20, eulerAtFinal: true, finalSigma: 'sigma-min' }],
    ['dpm sigma_min', { finalSigma: 'sigma-min' }],
    ['dpm sigma_min free', free],
    ['dpm sigma_min v', free, v],
    ['dpm sigma_min karras v', { ...free, sigmas: 'karras' }, v],
    ['dpm sigma_min lu v', { ...free, sigmas: 'lu' }, v],
    ['dpm thresholding', { ...free, thresholding: { ratio: 0.87, max: 0.5 } }],
    ['dpm first 5', { ...free, startStep: 5 }],
  ];
  test.each(cases)('%s', (name, options, process) =>
    expectRow(name, (run) => sampleDpmSolverPP2M(linear(process), referenceModel, { ...run, steps: 10, ...options })),
  );
});

describe('unipc', () => {
  const orders = ([1, 2, 3] as const).flatMap((order) =>
    (['bh1', 'bh2'] as const).flatMap((solverType): [string, Partial<UniPCOptions>][] => [
      [`unipc ${order} ${solverType}`, { order, solverType, finalSigma: 'sigma-min' }],
      [`unipc ${order} ${solverType} noise`, { order, solverType, predictX0: false, finalSigma: 'sigma-min' }],
    ]),
  );
  const cases: [string, Partial<UniPCOptions>, Process?][] = [
    ...orders,
    ['unipc leading', { steps: 9, spacing: 'leading' }],
    ['unipc trailing', { steps: 9, spacing: 'trailing' }],
    ['unipc linspace', { steps: 9 }],
    ['unipc 3 zero', { order: 3 }],
    ['unipc sigma_min', { finalSigma: 'sigma-min' }],
    ['unipc sigma_min karras v', { finalSigma: 'sigma-min', sigmas: 'karras' }, v],
    ['unipc no corrector', { disableCorrector: [0, 2, 3] }],
    ['unipc first 8', { finalSigma: 'sigma-min', startStep: 8 }],
  ];
  test.each(cases)('%s', (name, options, process) =>
    expectRow(name, (run) => sampleUniPC(linear(process), referenceModel, { ...run, steps: 10, ...options })),
  );
});

describe.each([
  ['euler', sampleEuler],
  ['heun', sampleHeun],
])('%s', (solver, sampler) => {
  const cases: [string, Partial<EulerOptions>, Process?][] = [
    ['leading', { steps: 9, spacing: 'leading' }],
    ['trailing', { steps: 9, spacing: 'trailing' }],
    ['linspace', { steps: 9 }],
    ['karras', { sigmas: 'karras' }],
    ['exponential', { sigmas: 'exponential' }],
    ['v', {}, v],
  ];
  test.each(cases)('%s', (name, options, process) =>
    expectRow(`${solver} ${name}`, (run) =>
      sampler(linear(process), referenceModel, { ...run, steps: 10, ...options }),
    ),
  );
  test.each(SPACINGS)('%s, scaled as diffusers does', (spacing) =>
    expectRow(`${solver} ${spacing} own scale`, (run) => {
      const process = gaussianDiffusion({ schedule: { kind: 'linear', betaEnd: 0.004 } });
      const initNoiseSigma = spacing === 'leading' ? 'variance-preserving' : 'sigma-max';
      return sampler(process, referenceModel, { ...run, steps: 9, spacing, initNoiseSigma });
    }),
  );
});

describe('the cosine schedule in one trailing step, where the network says 0', () => {
  const samplers = { sampleDdim, sampleDpmSolverPP2M, sampleUniPC, sampleEuler, sampleHeun };
  const cases = Object.entries(samplers).flatMap(([name, sample]) =>
    [400, 1000, 4000].map((timesteps) => ({ name, sample, timesteps })),
  );
  test.each(cases)('$name, T = $timesteps', async ({ sample, timesteps }) => {
    const process = gaussianDiffusion({ schedule: 'cosine', timesteps });
    const noise = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
    const x = await sample(process, tf.zerosLike, { noise, steps: 1, spacing: 'trailing', clip: false });
    expect(relativeError(x.dataSync(), [1 / process.sqrtAlphasCumprod[timesteps - 1]])).toBeLessThan(1e-6);
    expect(relativeError(x.dataSync(), [oneStep[timesteps]])).toBeLessThan(1e-5); // its alpha-bar is float32
  });
});

describe('flow', () => {
  test.each([1, 3])('euler, shift %d', (shift) =>
    expectRow(`flow ${shift}`, (run) =>
      sampleEuler(flowMatching({ shift }), referenceModel, { ...run, steps: 10, spacing: 'linspace' }),
    ),
  );
});
