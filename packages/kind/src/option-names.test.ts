import { initDit } from '@learngene/dit';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { inputsFor, tinyConfig } from '../test/tiny';
import { useTinyTraining } from '../test/tiny-training';
import { applyKind } from './apply';
import { assembleFactored, assembleFactoredAsync } from './assemble';
import { assembleDense } from './assemble-dense';
import { loadBundle, saveBundle } from './bundle/folder';
import { openBundle } from './bundle/open';
import { countTransferParams } from './count';
import { freshTailors } from './fresh-tailors';
import { kindFromDense, kindFromDenseAsync } from './from-dense';
import { initKind } from './init';
import { initKindTraining } from './train-state';
import { kindTrainStep } from './train-step';
import { transferKind } from './transfer';

const config = tinyConfig();
const tiny = useTinyTraining();

const generator = () => createGenerator(1);
const groups = [{ name: 'new', classes: [0] }];
/** A caller without types. */
type Call = (options: never) => unknown;
const assemble = (options: object) => assembleFactored({ config, params: tiny.params }, options);
const assembleLater = (options: object) => assembleFactoredAsync({ config, params: tiny.params }, options);
const transfer = (options: object) =>
  transferKind({ config, params: tiny.params }, { groups, domain: 'near', generator: generator(), ...options });
const dense = () => initDit(generator(), config.dit);
const { x, t, labels } = { x: () => inputsFor([0, 1]).x, t: () => inputsFor([0, 1]).t, labels: Int32Array.of(0, 1) };
const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.mean(denoiser(x(), t())) as tf.Scalar;
const rate = { learningRate: 0.01, trainable: 'all' } as const;
const train: Call = (options: object) =>
  kindTrainStep({ state: tiny.state, config, labels, loss }, { ...rate, ...options });
const trainOn: Call = (inputs: object) => kindTrainStep({ state: tiny.state, config, labels, loss, ...inputs }, rate);

const CALLS: readonly [of: string, call: Call][] = [
  ['assembleFactored', assemble],
  ['assembleFactoredAsync', assembleLater],
  ['assembleDense', (options) => assembleDense({ config, params: tiny.params }, options)],
  ['transferKind', transfer],
  ['initKind', (options) => initKind(generator(), config, options)],
  ['freshTailors', (options) => freshTailors(generator(), config, groups[0], options)],
  ['kindFromDense', (options) => kindFromDense(dense(), config, options)],
  ['kindFromDenseAsync', (options) => kindFromDenseAsync(dense(), config, options)],
  ['initKindTraining', (options) => initKindTraining(tiny.params, options)],
  ['kindTrainStep', train],
  ['kindTrainStep', trainOn],
  ['applyKind', (options: object) => applyKind(tiny.params, { x: x(), t: t(), labels }, { config, ...options })],
  ['countTransferParams', (options: object) => countTransferParams(config, { groups: 1, classes: 1, ...options })],
  ['openBundle', (options) => openBundle(() => Promise.reject(new Error('fetched')), options)],
  ['loadBundle', (options) => loadBundle('/none', options)],
  ['saveBundle', (options) => saveBundle('/none', { config, params: tiny.params }, options)],
];

const MISSPELT: readonly [call: Call, options: object, message: string][] = [
  [assemble, { group: ['cars'] }, "assembleFactored: expected groups or budget, got 'group'"],
  ...[assemble, assembleLater].flatMap((call): [Call, object, string][] => [
    [call, { budget: { params: 1 } }, "budget: expected parameters, macs or bytes, got 'params'"],
    [call, { budget: { parameters: 1e9, mac: 1 } }, "budget: expected parameters, macs or bytes, got 'mac'"],
    [call, { budget: {} }, 'budget: expected parameters, macs or bytes, got none'],
    [call, { budget: { macs: undefined } }, 'budget: expected parameters, macs or bytes, got none'],
    [call, { budget: 10_000 }, 'budget: expected an object of parameters, macs or bytes, got 10000'],
    [call, { budget: 0 }, 'budget: expected an object of parameters, macs or bytes, got 0'],
    [call, { budget: null }, 'budget: expected an object of parameters, macs or bytes, got null'],
    [call, { budget: [1] }, 'budget: expected an object of parameters, macs or bytes, got an array'],
    [call, { budget: { parameters: '1e9' } }, "budget.parameters: expected a number of at least 0, got '1e9'"],
    [call, { budget: { macs: null } }, 'budget.macs: expected a number of at least 0, got null'],
    [call, { budget: { bytes: Number.NaN } }, 'budget.bytes: expected a number of at least 0, got NaN'],
    [call, { budget: { bytes: -1 } }, 'budget.bytes: expected a number of at least 0, got -1'],
    [call, { groups: '7' }, 'groups: expected an array of names, got "7"'],
  ]),
  [transfer, { labels: 'zero' }, "labels: expected 'random' or 'null', got \"zero\""],
  [transfer, { labels: null }, "labels: expected 'random' or 'null', got null"],
  [transfer, { keepGroups: 'no' }, 'keepGroups: expected true or false, got "no"'],
  [transfer, { domain: 'distant', input: { channels: 1 } }, "inChannels or learnSigma, got 'channels'"],
  [train, { donate: 1 }, 'donate: expected true or false, got 1'],
  [train, { lr: 1 }, "orthogonality, trainable or donate, got 'lr'"],
  [trainOn, { drop: [1, 0] }, "kindTrainStep: expected state, config, labels, dropped or loss, got 'drop'"],
];

test.each(CALLS)('%s refuses an option that it does not have', async (of, call) => {
  const before = tf.memory().numTensors;
  tf.engine().startScope();
  const message = new RegExp(`^${of}: expected .*, got 'foo'$`);
  await expect((async () => call({ foo: undefined } as never))()).rejects.toThrow(message);
  tf.engine().endScope();
  expect(tf.memory().numTensors).toBe(before);
});

test.each(MISSPELT)('%# %j is refused by its name', async (call, options, message) => {
  tf.engine().startScope();
  await expect((async () => call(options as never))()).rejects.toThrow(message);
  tf.engine().endScope();
});
