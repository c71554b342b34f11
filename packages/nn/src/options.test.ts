import { createGenerator } from '@learngene/random';
import { expectOption } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import {
  type AdamWEmaOptions,
  adamWEmaStep,
  adamWStep,
  attention,
  clipByGlobalNorm,
  constantSchedule,
  cosineSchedule,
  initLinear,
  layerNorm,
  layerNormModulate,
  linearSchedule,
  stepSchedule,
  updateEma,
  warmupDecay,
  warmupSchedule,
} from './index';

beforeAll(useNnBackend);

const tree = () => ({ w: tf.tensor1d([1, -2]) });
const inputs = (step = 0) => ({ params: tree(), grads: tree(), ema: tree(), state: { step, m: tree(), v: tree() } });
const adam = (options: object) => adamWStep(inputs(), { learningRate: 0.1, ...options });
const adamEma = (options: object) =>
  adamWEmaStep(inputs(), { learningRate: 0.1, emaDecay: 0.5, ...options } as AdamWEmaOptions);
const image = () => tf.ones([1, 2, 4]) as tf.Tensor3D;
const rows = () => tf.ones([1, 4]) as tf.Tensor2D;

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const wrongNumber = [nan, infinity, -infinity];
const notNegative = [...wrongNumber, -1e-9];
const notDecay = [nan, -0.1, 1.1, infinity];
const notStep = [nan, -1, infinity];
const notSteps = [...notStep, 2.5];

/** Every scalar option: what takes it, what it must refuse, and what it takes at its limits. */
const options: [name: string, call: (value: number) => unknown, refused: number[], taken: number[]][] = [
  ['learningRate', (learningRate) => adam({ learningRate }), notNegative, [0, -0, 1]],
  ['betas[0]', (beta) => adam({ betas: [beta, 0.9] }), [...notDecay, 1], [0, 0.999]],
  ['betas[1]', (beta) => adam({ betas: [0.9, beta] }), [...notDecay, 1], [0, 0.999]],
  ['eps', (eps) => adam({ eps }), notNegative, [0, 1]],
  ['weightDecay', (weightDecay) => adam({ weightDecay }), notNegative, [0, 1]],
  ['state.step', (step) => adamWStep(inputs(step), { learningRate: 0.1 }), notSteps, [0]],
  ['learningRate', (learningRate) => adamEma({ learningRate }), notNegative, [0]],
  ['betas[1]', (beta) => adamEma({ betas: [0.9, beta] }), [...notDecay, 1], [0]],
  ['eps', (eps) => adamEma({ eps }), notNegative, [0]],
  ['weightDecay', (weightDecay) => adamEma({ weightDecay }), notNegative, [0]],
  ['state.step', (step) => adamWEmaStep(inputs(step), { learningRate: 0.1, emaDecay: 0 }), notSteps, [0]],
  ['emaDecay', (emaDecay) => adamEma({ emaDecay }), notDecay, [0, 1]],
  ['clipNorm', (clipNorm) => adamEma({ clipNorm }), [nan, -1, -infinity], [0, 1, infinity]],
  ['maxNorm', (maxNorm) => clipByGlobalNorm(tree(), maxNorm), [nan, -1, -infinity], [0, 1, infinity]],
  ['decay', (decay) => updateEma(tree(), tree(), decay), notDecay, [0, 1]],
  ['decay', (decay) => warmupDecay(decay, 0), notDecay, [0, 1]],
  ['step', (step) => warmupDecay(0.9, step), notSteps, [0]],
  ['value', constantSchedule, wrongNumber, [0, -1]],
  ['step', constantSchedule(1), notStep, [0, 2.5, 1e9]],
  ...[cosineSchedule, linearSchedule].flatMap((schedule): typeof options => [
    ['start', (start) => schedule({ start, steps: 3 }), wrongNumber, [0, -1]],
    ['end', (end) => schedule({ start: 1, end, steps: 3 }), wrongNumber, [0, -1]],
    ['steps', (steps) => schedule({ start: 1, steps })(0), notSteps, [0, 1]],
    ['step', schedule({ start: 1, steps: 3 }), notStep, [0, 3, 2.5, 1e9]],
  ]),
  ['steps', (steps) => warmupSchedule({ steps, schedule: constantSchedule(1) })(0), notSteps, [0, 1]],
  ['step', warmupSchedule({ steps: 2, schedule: constantSchedule(1) }), notStep, [0, 1]],
  ['start', (start) => stepSchedule({ start, every: 2 }), wrongNumber, [0]],
  ['every', (every) => stepSchedule({ start: 1, every }), [...notSteps, 0], [1]],
  ['factor', (factor) => stepSchedule({ start: 1, every: 2, factor }), notNegative, [0, 2]],
  ['step', stepSchedule({ start: 1, every: 2 }), notStep, [0]],
  ['eps', (eps) => layerNorm(image(), { eps }), notNegative, [0]],
  ['eps', (eps) => layerNormModulate(image(), rows(), rows(), { eps }), notNegative, [0]],
  ['heads', (heads) => attention(image(), image(), image(), { heads }), [nan, 0, -2, 0.5, 3, infinity], [1, 4]],
  ['in', (size) => initLinear(createGenerator(0), { in: size, out: 2 }), [...notSteps, 0], [1]],
  ['out', (size) => initLinear(createGenerator(0), { in: 2, out: size }), [...notSteps, 0], [1]],
  ['init.normal', (normal) => initLinear(createGenerator(0), { in: 2, out: 2, init: { normal } }), notNegative, [0, 1]],
];

describe('scalar options', () => {
  test.each(options)('%s', (name, call, refused, taken) => expectOption(name, call, { refused, taken }));
});

/** Functions with options, given as plain JavaScript may give them, and one misspelt option of each. */
const named: [call: string, unknown: string, call: (options: object) => unknown][] = [
  ['adamWStep', 'lr', adam],
  ['adamWEmaStep', 'decay', adamEma],
  ['cosineSchedule', 'step', (more) => cosineSchedule({ start: 1, steps: 3, ...more })],
  ['linearSchedule', 'stop', (more) => linearSchedule({ start: 1, steps: 3, ...more })],
  ['stepSchedule', 'gamma', (more) => stepSchedule({ start: 1, every: 2, ...more })],
  ['initLinear', 'biases', (more) => initLinear(createGenerator(0), { in: 2, out: 2, ...more })],
  ['warmupSchedule', 'start', (more) => warmupSchedule({ steps: 1, schedule: constantSchedule(1), ...more })],
];

describe('options of plain JavaScript', () => {
  test.each(named)('%s refuses the unknown option %s', (_, unknown, call) => {
    expect(() => call({ [unknown]: 3 })).toThrow(new RegExp(`^options: expected only .*, got '${unknown}'$`));
    tf.tidy(() => {
      expect(() => call({})).not.toThrow();
    });
  });

  test.each(options)('%s refuses a string that holds a number', (name, call) => {
    const pattern = `${name.replace(/[[\].]/g, '\\$&')}: expected .*got '?1'?`;
    tf.tidy(() => {
      expect(() => call('1' as never)).toThrow(new RegExp(pattern));
    });
  });

  test('of a wrong kind are named', () => {
    expect(() => adamWStep(inputs(), undefined as never)).toThrow('options: expected an object, got undefined');
    const linear = (init: unknown) => initLinear(createGenerator(0), { in: 2, out: 2, init: init as 'torch' });
    expect(() => linear('xavier')).toThrow("init: expected one of xavier-uniform, torch, zeros, got 'xavier'");
    expect(() => linear({ normal: 1, std: 2 })).toThrow("init: expected only normal, got 'std'");
    expect(() => linear(null)).toThrow('init: expected an object, got null');
    expect(() => adam({ betas: [0.9] })).toThrow('betas: expected two numbers, got 0.9');
    expect(() => warmupSchedule({ steps: 1 } as never)).toThrow('schedule: expected a function, got undefined');
  });
});

describe('schedules of length 0 and 1', () => {
  test.each([
    ['cosine', cosineSchedule],
    ['linear', linearSchedule],
  ])('%s', (_, schedule) => {
    for (const step of [0, 1, 100]) expect(schedule({ start: 1, end: 0.25, steps: 0 })(step)).toBe(0.25);
    const one = schedule({ start: 1, end: 0.25, steps: 1 });
    expect([one(0), one(1), one(2)]).toEqual([1, 0.25, 0.25]);
    const warm = warmupSchedule({ steps: 2, schedule: schedule({ start: 1, end: 0.5, steps: 0 }) });
    expect([0, 1, 2, 3].map(warm)).toEqual([0.25, 0.5, 0.5, 0.5]);
    const cold = warmupSchedule({ steps: 0, schedule: schedule({ start: 1, end: 0.5, steps: 0 }) });
    expect([cold(0), cold(1)]).toEqual([0.5, 0.5]);
  });
});
