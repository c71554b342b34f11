import { createGenerator } from '@learngene/random';
import { expectOption, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it as test } from 'vitest';
import { flowLosses } from './flow-losses';
import { flowMatching } from './flow-matching';
import { guideDenoiser } from './guidance';
import { invertDdim } from './invert-ddim';
import {
  createLossSecondMoment,
  lossSecondMomentProbabilities,
  sampleLossSecondMoment,
  updateLossSecondMoment,
} from './loss-second-moment';
import { drawNoise } from './noise';
import { gaussianDiffusion, respaceDiffusion } from './process';
import { qPosterior, qSample } from './q-sample';
import { spaceTimesteps } from './respacing';
import { reverseMoments } from './reverse-moments';
import { sampleDdim } from './sample-ddim';
import { sampleDdpm } from './sample-ddpm';
import { sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
import { sampleEuler } from './sample-euler';
import { sampleHeun } from './sample-heun';
import { sampleUniPC } from './sample-unipc';
import { betaSchedule } from './schedules';
import { flowTimesteps, uniformTimesteps } from './timestep-samplers';
import { trainingLosses } from './training-losses';

beforeAll(useTestBackend);

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const process = gaussianDiffusion({ timesteps: 100 });
const flow = flowMatching();
const generator = createGenerator(0);
const image = () => tf.ones([1, 2, 2, 1]) as tf.Tensor4D;
const half = (x: tf.Tensor4D) => tf.mul<tf.Tensor4D>(x, 0.5);
const run =
  (sampler: (...args: never[]) => Promise<tf.Tensor4D>, more: object = {}, of: object = process) =>
  (name: string) =>
  (value: unknown) =>
    sampler(...([of, half, { noise: image(), steps: 4, generator, ...more, [name]: value }] as never[]));
const times = (...t: number[]) => t as unknown as Int32Array; // as a caller without types may give them

const wrong = [nan, infinity, -infinity];
const notPositive = [...wrong, 0, -0, -1];
const notCount = [...notPositive, 2.5];
const notIndex = [...wrong, -1, 2.5];
const notWord = ['', 'nonsense', undefined];

type Row = [what: string, name: string, call: (value: never) => unknown, refused: unknown[], taken: unknown[]];

const gaussian: [string, (name: string) => (value: unknown) => unknown][] = [
  ['sampleDdpm', run(sampleDdpm)],
  ['sampleDdim', run(sampleDdim)],
  ['invertDdim', run(invertDdim)],
  ['sampleDpmSolverPP2M', run(sampleDpmSolverPP2M)],
  ['sampleUniPC', run(sampleUniPC)],
  ['sampleEuler', run(sampleEuler)],
  ['sampleHeun', run(sampleHeun)],
];
const inSigma = gaussian.slice(3);
const euler = run(sampleEuler);

const loop: Row[] = gaussian.flatMap(([what, of]): Row[] => [
  [what, 'steps', of('steps'), [...notCount, 101], [1, 7, 100]],
  [what, 'startStep', of('startStep'), [...notIndex, 4], [0, -0, 3]],
  [what, 'spacing', of('spacing'), ['', 'nonsense'], ['leading', 'trailing', 'linspace']],
  [what, 'stepsOffset', (x) => stepsOffset(what, x), [...notIndex, 100], [0, 1]],
  [what, 'clip', of('clip'), [...notPositive], [true, false, 0.5, 1e-3]],
  [what, 'thresholding.ratio', (ratio) => of('thresholding')({ ratio }), [...notPositive, 1.1], [1e-9, 0.5, 1]],
  [what, 'thresholding.max', (max) => of('thresholding')({ max }), notPositive, [0.5, 10]],
]);

function stepsOffset(what: string, value: unknown): unknown {
  const samplers = { sampleDdpm, sampleDdim, invertDdim, sampleDpmSolverPP2M, sampleUniPC, sampleEuler, sampleHeun };
  return run(samplers[what as 'sampleDdim'], { spacing: 'leading' })('stepsOffset')(value);
}

const sigma: Row[] = inSigma.flatMap(([what, of]): Row[] => [
  [what, 'sigmas', of('sigmas'), ['', 'nonsense'], ['process', 'karras', 'exponential', 'lu']],
  [what, 'finalSigma', of('finalSigma'), ['', 'nonsense'], ['zero', 'sigma-min']],
]);

const options: Row[] = [
  ...loop,
  ...sigma,
  ['sampleEuler, karras', 'rho', run(sampleEuler, { sigmas: 'karras' })('rho'), notPositive, [0.5, 7]],
  ['sampleUniPC, karras', 'rho', run(sampleUniPC, { sigmas: 'karras' })('rho'), notPositive, [0.5, 7]],
  ['sampleEuler, no curve', 'rho', euler('rho'), [7], [undefined]],
  ['sampleEuler', 'initNoiseSigma', euler('initNoiseSigma'), ['', 'x'], ['variance-preserving', 'sigma-max']],
  ['sampleHeun from step 1', 'initNoiseSigma', run(sampleHeun, { startStep: 1 })('initNoiseSigma'), ['sigma-max'], []],
  ['sampleEuler of a flow', 'initNoiseSigma', run(sampleEuler, {}, flow)('initNoiseSigma'), ['sigma-max'], []],
  ['sampleEuler of a flow', 'steps', run(sampleEuler, {}, flow)('steps'), [...notCount, undefined], [1, 5]],
  ['sampleEuler of a flow', 'startStep', run(sampleEuler, {}, flow)('startStep'), [...notIndex, 4], [0, 3]],
  [
    'sampleEuler of a flow',
    'spacing',
    run(sampleEuler, {}, flow)('spacing'),
    ['leading', ''],
    ['trailing', 'linspace'],
  ],
  ['sampleEuler of a flow', 'sigmas', run(sampleEuler, {}, flow)('sigmas'), ['karras'], ['process']],
  ['sampleEuler of a flow', 'finalSigma', run(sampleEuler, {}, flow)('finalSigma'), ['sigma-min'], ['zero']],
  ['sampleHeun of a flow', 'stepsOffset', run(sampleHeun, {}, flow)('stepsOffset'), [1], [0]],
  ['sampleHeun of a flow', 'rho', run(sampleHeun, {}, flow)('rho'), [7], []],
  ['sampleHeun of a flow', 'roundTimesteps', run(sampleHeun, {}, flow)('roundTimesteps'), [true], [false]],
  [
    'sampleEuler of a flow of timeScale 1',
    'spacing',
    run(sampleEuler, {}, flowMatching({ timeScale: 1 }))('spacing'),
    ['linspace'],
    ['trailing'],
  ],
  ['sampleDdim, trailing', 'stepsOffset', run(sampleDdim, { spacing: 'trailing' })('stepsOffset'), [1], [0]],
  ['sampleEuler, linspace', 'stepsOffset', euler('stepsOffset'), [1], [0]],
  ['sampleDdim', 'eta', run(sampleDdim)('eta'), [...wrong, -1e-9, 1.001], [0, -0, 0.5, 1]],
  ['sampleDdim', 'previousTimestep', run(sampleDdim)('previousTimestep'), ['', 'x'], ['spaced', 'stride']],
  ['invertDdim', 'previousTimestep', run(invertDdim)('previousTimestep'), ['', 'x'], ['spaced', 'stride']],
  [
    'invertDdim, ε again',
    'setAlphaToOne',
    run(invertDdim, { useClippedOutput: true })('setAlphaToOne'),
    [true],
    [false, undefined],
  ],
  [
    'invertDdim of x_0',
    'setAlphaToOne',
    run(invertDdim, {}, { ...process, prediction: 'x0' })('setAlphaToOne'),
    [true],
    [false, undefined],
  ],
  ['sampleDpmSolverPP2M', 'order', run(sampleDpmSolverPP2M)('order'), [...notCount, 3], [1, 2]],
  ['sampleDpmSolverPP2M', 'solverType', run(sampleDpmSolverPP2M)('solverType'), ['', 'bh1'], ['midpoint', 'heun']],
  ['sampleUniPC', 'order', run(sampleUniPC)('order'), [...notCount, 4], [1, 2, 3]],
  ['sampleUniPC', 'solverType', run(sampleUniPC)('solverType'), ['', 'heun'], ['bh1', 'bh2']],
  [
    'sampleUniPC',
    'disableCorrector[0]',
    (step) => run(sampleUniPC)('disableCorrector')([step]),
    [...notIndex, 4],
    [0, 3],
  ],

  [
    'gaussianDiffusion',
    'timesteps',
    (timesteps) => gaussianDiffusion({ timesteps }),
    [...notCount, 2 ** 24 + 1],
    [1, 21],
  ],
  ['gaussianDiffusion', 'prediction', (prediction) => gaussianDiffusion({ prediction }), notWord.slice(0, 2), ['x0']],
  ['gaussianDiffusion', 'variance', (variance) => gaussianDiffusion({ variance }), ['x'], ['learned']],
  ['gaussianDiffusion', 'loss', (loss) => gaussianDiffusion({ loss }), ['x'], ['kl']],
  ['gaussianDiffusion', 'precision', (precision) => gaussianDiffusion({ precision }), ['x'], ['float32']],
  ['gaussianDiffusion', 'schedule', (timesteps) => gaussianDiffusion({ timesteps }), [2, 20], [1, 21]], // epsilon, alpha-bar 0
  [
    'gaussianDiffusion',
    'zeroTerminalSnr',
    (zeroTerminalSnr) => gaussianDiffusion({ zeroTerminalSnr }),
    [true],
    [false],
  ],
  ['betaSchedule', 'schedule', (kind) => betaSchedule({ kind }, 10), notWord, ['linear', 'jsd', 'cosine']],
  [
    'betaSchedule',
    'betaStart',
    (betaStart) => betaSchedule({ kind: 'linear', betaStart }, 10),
    [...notPositive, 1.1, 0.03], // the last is above betaEnd
    [1e-9, 0.02],
  ],
  [
    'betaSchedule',
    'betaEnd',
    (betaEnd) => betaSchedule({ kind: 'quad', betaEnd }, 10),
    [...notPositive, 1.1],
    [1e-4, 1],
  ],
  ['betaSchedule', 'betaStart', (betaStart) => betaSchedule({ kind: 'cosine', betaStart }, 10), [1e-4], []],
  ['betaSchedule', 'betaEnd', (betaEnd) => betaSchedule({ kind: 'jsd', betaEnd }, 10), [0.02], []],
  ['betaSchedule', 'betaStart', (betaStart) => betaSchedule({ kind: 'const', betaStart }, 10), [1e-4], []],
  [
    'betaSchedule',
    'betas[1]',
    (b) => betaSchedule({ kind: 'betas', betas: [0.1, b] }, 2),
    [...notPositive, 1.1],
    [0.5, 1],
  ],
  [
    'gaussianDiffusion',
    'betas[1]', // without effect, and after all signal is gone
    (betas: readonly number[]) =>
      gaussianDiffusion({ schedule: { kind: 'betas', betas }, timesteps: 2, prediction: 'x0' }),
    [
      [0.1, 1e-17],
      [1, 0.5],
    ],
    [
      [0.1, 0.5],
      [0.5, 1],
    ],
  ],
  ['spaceTimesteps', 'timesteps', (timesteps) => spaceTimesteps(timesteps, [1]), notCount, [1, 10]],
  ['spaceTimesteps', 'respacing[0]', (count) => spaceTimesteps(10, [count, 1]), [...notIndex, 6], [0, 5]],
  [
    'spaceTimesteps',
    'respacing',
    (text) => spaceTimesteps(10, text),
    ['', '-1', 'ddim0', 'ddimx', '1,NaN', [], '0'],
    ['10'],
  ],
  ['respaceDiffusion', 'kept[1]', (index) => respaceDiffusion(process, [3, index]), [...notIndex, 3, 100], [4, 99]],
  ['respaceDiffusion', 'kept: number of steps', (kept) => respaceDiffusion(process, kept), [[]], [[0]]],

  ['flowMatching', 'timeScale', (timeScale) => flowMatching({ timeScale }), notPositive, [1e-3, 1]],
  ['flowMatching', 'shift', (shift) => flowMatching({ shift }), notPositive, [1e-3, 1]],
  ['flowTimesteps', 'size', (size) => flowTimesteps({ size, generator }), notIndex, [0, 3]],
  ['flowTimesteps', 'shift', (shift) => flowTimesteps({ size: 2, generator, shift }), notPositive, [0.5, 3]],
  ['flowTimesteps', 'distribution.kind', distribution('kind'), ['', 'normal'], ['logit-normal']],
  ['flowTimesteps', 'distribution.mean', distribution('mean'), wrong, [-30, 0, 30]],
  ['flowTimesteps', 'distribution.std', distribution('std'), [...wrong, -1e-9], [0, 100]],
  ['uniformTimesteps', 'timesteps', (timesteps) => uniformTimesteps({ timesteps, size: 1, generator }), notCount, [1]],
  ['uniformTimesteps', 'size', (size) => uniformTimesteps({ timesteps: 3, size, generator }), notIndex, [0, 1]],
  ['createLossSecondMoment', 'timesteps', (timesteps) => createLossSecondMoment({ timesteps }), notCount, [1]],
  ['createLossSecondMoment', 'historyPerStep', moment('historyPerStep'), notCount, [1]],
  ['createLossSecondMoment', 'uniformProbability', moment('uniformProbability'), [...notPositive, 1.1], [1e-9, 1]],
  [
    'lossSecondMomentProbabilities',
    'history',
    (timesteps) => lossSecondMomentProbabilities({ ...createLossSecondMoment({ timesteps: 3 }), timesteps }),
    [2, 4],
    [3],
  ],
  [
    'sampleLossSecondMoment',
    'size',
    (size) => sampleLossSecondMoment(moments(), { size, generator }),
    notIndex,
    [0, 2],
  ],
  [
    'updateLossSecondMoment',
    't[0]',
    (t) => updateLossSecondMoment(moments(), { t: times(t), losses: [1] }),
    [...notIndex, 3],
    [0],
  ],
  [
    'updateLossSecondMoment',
    'losses[0]',
    (loss) => updateLossSecondMoment(moments(), { t: times(1), losses: [loss] }),
    wrong,
    [0, -1, 1e300],
  ],

  ['guideDenoiser', 'scale', (scale) => guide({ scale }), wrong, [0, -0, 1, -1, 7.5]],
  ['guideDenoiser', 'channels', (channels) => guide({ scale: 2, channels }), notCount, [1]],
  ['guideDenoiser', 'channels', (channels) => guide({ scale: 2, channels })(image(), tf.tensor1d([1])), [2], [1]],
  [
    'guideDenoiser',
    'interval',
    (interval) => guide({ scale: 2, interval }),
    [
      [3, 2],
      [nan, 2],
      [2, nan],
    ],
    [
      [2, 2],
      [0, infinity],
    ],
  ],

  ['drawNoise', 'shape[2]', (width) => drawNoise(generator, [1, 2, width, 1]), notIndex, [0, 1]],
  ['qSample', 't', (t) => qSample(process, image(), times(t), image()), [...notIndex, 100], [0, 99]],
  ['qPosterior', 't', (t) => qPosterior(process, image(), image(), times(t)), [...notIndex, 100], [0, 99]],
  [
    'reverseMoments',
    't',
    (t) => reverseMoments(process, half, { xt: image(), t: times(t) }),
    [...notIndex, 100],
    [0, 99],
  ],
  ['trainingLosses', 't', (t) => losses({ t: times(t) }), [...notIndex, 100], [0, 99]],
  ['trainingLosses', 't', (t: number[]) => losses({ t: times(...t) }), [[], [1, 2]], [[5]]],
  [
    'trainingLosses',
    'x0',
    (shape) => losses({ x0: tf.ones(shape) as tf.Tensor4D }),
    [
      [1, 0, 2, 1],
      [1, 2, 2, 0],
      [2, 2, 1],
    ],
    [[1, 2, 2, 1]],
  ],
  [
    'flowLosses',
    't',
    (t) => flowLosses(flow, half, { x0: image(), noise: image(), t: Float32Array.of(t) }),
    [...wrong, -0.1, 1.1],
    [0, -0, 1],
  ],
];

function distribution(name: string) {
  return (value: unknown) =>
    flowTimesteps({ size: 2, generator, distribution: { kind: 'logit-normal', [name]: value } as never });
}
function moment(name: string) {
  return (value: unknown) => createLossSecondMoment({ timesteps: 3, [name]: value });
}
function moments() {
  return createLossSecondMoment({ timesteps: 3 });
}
function guide(settings: object) {
  return guideDenoiser({ conditional: half, unconditional: half }, settings as never);
}
function losses(part: object) {
  return trainingLosses(process, half, { x0: image(), t: Int32Array.of(0), noise: image(), ...part });
}

/** Every option that is a number or a word: what takes it, its name in the message, what it must refuse and must take. */
describe('options', () => {
  test.each(options)('%s: %s', (_, name, call, refused, taken) => expectOption(name, call, { refused, taken }));
});
