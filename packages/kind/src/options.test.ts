import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { inputsFor, tinyConfig } from '../test/tiny';
import { useTinyTraining } from '../test/tiny-training';
import { assembleFactored } from './assemble';
import { kindConfig } from './config';
import { countKindMacs, countTransferParams } from './count';
import type { KindTrainOptions } from './gated-train-step';
import { kindTrainStep } from './train-step';
import { transferKind } from './transfer';

const config = tinyConfig();
const tiny = useTinyTraining();

const train = (options: Partial<KindTrainOptions>) => {
  const { x, t, labels } = inputsFor([0, 1]);
  const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.mean(denoiser(x, t)) as tf.Scalar;
  return kindTrainStep(
    { state: tiny.state, config, labels, loss },
    { learningRate: 0.01, trainable: 'all', ...options },
  );
};
const assemble = (unit: 'parameters' | 'macs' | 'bytes') => (value: number) =>
  assembleFactored({ config, params: tiny.params }, { budget: { [unit]: value } });
const groups = [{ name: 'new', classes: [0] }];

/** Every scalar option, what takes it, and wrong values beside NaN and -1. */
const OPTIONS: readonly [name: string, more: readonly number[], use: (value: number) => unknown][] = [
  [
    'learngeneRank',
    [0, 1.5, 17, Number.POSITIVE_INFINITY],
    (learngeneRank) => kindConfig({ ...config, learngeneRank }),
  ],
  ['tailorRank', [0, 1.5, 17, Number.POSITIVE_INFINITY], (tailorRank) => kindConfig({ ...config, tailorRank })],
  ['groups\\[0\\].classes', [1.5, 5], (id) => kindConfig({ ...config, groups: [{ name: 'a', classes: [id] }] })],
  ['learningRate', [Number.POSITIVE_INFINITY], (learningRate) => train({ learningRate })],
  [
    'factorLearningRateScale',
    [Number.POSITIVE_INFINITY],
    (factorLearningRateScale) => train({ factorLearningRateScale }),
  ],
  ['orthogonality', [Number.POSITIVE_INFINITY], (orthogonality) => train({ orthogonality })],
  ['betas\\[0\\]', [1], (beta) => train({ betas: [beta, 0.9] })],
  ['betas\\[1\\]', [1], (beta) => train({ betas: [0.9, beta] })],
  ['weightDecay', [Number.POSITIVE_INFINITY], (weightDecay) => train({ weightDecay })],
  ['clipNorm', [], (clipNorm) => train({ clipNorm })],
  ['emaDecay', [1.5], (emaDecay) => train({ emaDecay })],
  ['budget.parameters', [0, 1], assemble('parameters')],
  ['budget.macs', [0, 1], assemble('macs')],
  ['budget.bytes', [0, 1], assemble('bytes')],
  [
    'tailorRank',
    [0, 1.5, 17],
    (tailorRank) =>
      transferKind(
        { config, params: tiny.params },
        { groups, tailorRank, domain: 'near', generator: createGenerator(1) },
      ),
  ],
  ['rank', [1.5, Number.POSITIVE_INFINITY], (rank) => countKindMacs(config, rank)],
  ['groups', [1.5], (count) => countTransferParams(config, { groups: count, classes: 1 })],
  ['classes', [1.5], (classes) => countTransferParams(config, { groups: 1, classes })],
];

test.each(OPTIONS)('%s refuses NaN, a negative number and %j by its name', (name, more, use) => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    for (const value of [Number.NaN, -1, ...more]) {
      expect(() => use(value), `${name} = ${value}`).toThrow(new RegExp(`^${name}: expected .* got`));
    }
  });
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 4);
});
