import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it as test } from 'vitest';
import * as diffusion from './index';

beforeAll(useTestBackend);

const process = diffusion.gaussianDiffusion({ timesteps: 100 });
const half = (x: tf.Tensor4D) => tf.mul<tf.Tensor4D>(x, 0.5);
const image = () => tf.ones([1, 2, 2, 1]);
const generator = createGenerator(0);
const batch = (t: object) => ({ x0: image(), noise: image(), t });

/** As callers without types may write. */
type Call = (options: object) => unknown;
const call =
  (f: unknown, ...before: unknown[]): Call =>
  (options) =>
    (f as (...args: unknown[]) => unknown)(...before, options);
const { sampleDdpm, sampleDdim, invertDdim, sampleDpmSolverPP2M, sampleUniPC, sampleEuler, sampleHeun } = diffusion;
const BY_NAME = { sampleDdpm, sampleDdim, invertDdim, sampleDpmSolverPP2M, sampleUniPC, sampleEuler, sampleHeun };
const SAMPLERS = Object.keys(BY_NAME) as (keyof typeof BY_NAME)[];
const sample =
  (name: keyof typeof BY_NAME): Call =>
  (options) =>
    call(BY_NAME[name], process, half)({ noise: image(), steps: 4, generator, ...options });
const gaussian = call(diffusion.gaussianDiffusion);

const FUNCTIONS: readonly [name: string, call: Call][] = [
  ...SAMPLERS.map((name): [string, Call] => [name, sample(name)]),
  ['gaussianDiffusion', gaussian],
  ['flowMatching', call(diffusion.flowMatching)],
  ['guideDenoiser', (options) => call(diffusion.guideDenoiser, { batched: half })({ scale: 2, ...options })],
  ['flowTimesteps', (options) => call(diffusion.flowTimesteps)({ size: 1, generator, ...options })],
  ['uniformTimesteps', (options) => call(diffusion.uniformTimesteps)({ size: 1, timesteps: 4, generator, ...options })],
  [
    'trainingLosses',
    (options) => call(diffusion.trainingLosses, process, half)({ ...batch(Int32Array.of(1)), ...options }),
  ],
  [
    'flowLosses',
    (options) =>
      call(diffusion.flowLosses, diffusion.flowMatching(), half)({ ...batch(Float32Array.of(0.5)), ...options }),
  ],
  [
    'bitsPerDimension',
    (options) => call(diffusion.bitsPerDimension, process, half)({ x0: image(), generator, ...options }),
  ],
];

test.each(FUNCTIONS)('%s refuses an option that it does not have', async (name, of) => {
  await expect((async () => of({ foo: undefined }))()).rejects.toThrow(
    new RegExp(`^${name}: expected only .*, got 'foo'$`),
  );
});

const WRONG: readonly [call: Call, options: object, message: string][] = [
  [gaussian, { Prediction: 'x0' }, "got 'Prediction'"],
  [
    gaussian,
    { schedule: { kind: 'linear', beta_start: 0.1 } },
    'schedule: expected only kind, betaStart, betaEnd, got',
  ],
  [
    gaussian,
    { schedule: { kind: 'betas', betas: [0.1], beta: 1 }, timesteps: 1 },
    'schedule: expected only kind, betas,',
  ],
  [gaussian, { schedule: null }, 'schedule: expected an object of kind, betaStart, betaEnd, got null'],
  [gaussian, { respacing: 250 }, "respacing: expected counts like '250', '10,15,20' or 'ddim50' or a list, got 250"],
  [gaussian, { zeroTerminalSnr: 'yes' }, 'zeroTerminalSnr: expected true or false, got "yes"'],
  [sample('sampleDdim'), { sigmas: 'Karras' }, 'sampleDdim: expected only noise'],
  [sample('sampleDdim'), { order: 0 }, "got 'order'"],
  [sample('sampleDdpm'), { eta: 1 }, "got 'eta'"],
  [sample('sampleEuler'), { eta: Number.NaN }, "got 'eta'"],
  [sample('sampleHeun'), { order: 2 }, "got 'order'"],
  ...SAMPLERS.flatMap((name): [Call, object, string][] => [
    [sample(name), { noise: undefined }, 'noise: expected a tensor [N, H, W, C], got undefined'],
    [sample(name), { thresholding: true }, 'thresholding: expected an object of ratio, max, got true'],
    [sample(name), { thresholding: { quantile: 1 } }, "thresholding: expected only ratio, max, got 'quantile'"],
    [sample(name), { onStep: 5 }, 'onStep: expected a function, got 5'],
  ]),
  [sample('sampleDdim'), { setAlphaToOne: 1 }, 'setAlphaToOne: expected true or false, got 1'],
  [sample('sampleUniPC'), { predictX0: 'no' }, 'predictX0: expected true or false, got "no"'],
  [sample('sampleDpmSolverPP2M'), { eulerAtFinal: 'no' }, 'eulerAtFinal: expected true or false, got "no"'],
  [sample('sampleEuler'), { roundTimesteps: 0 }, 'roundTimesteps: expected true or false, got 0'],
  [call(diffusion.guideDenoiser, { batched: half }), { scale: 1, interval: 5 }, 'interval: expected [low, high]'],
  [
    call(diffusion.flowTimesteps),
    { size: 1, generator, distribution: { kind: 'logit-normal', sd: 1 } },
    "distribution: expected only kind, mean, std, got 'sd'",
  ],
];

test.each(WRONG)('%# %j is refused by its name', async (of, options, message) => {
  await expect((async () => of(options))()).rejects.toThrow(message);
});
