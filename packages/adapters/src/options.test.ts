import type { DitParams } from '@learngene/dit';
import { groupPerClass, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it as test } from 'vitest';
import { DIT, denseBase, inputsFor, tinyModel } from '../test/tiny';
import { initLowRankDit } from './low-rank-dit';
import { matchRank } from './match-rank';
import { type AdapterConfigInput, adapterConfig } from './methods';
import { chooseLearngeneBlocks } from './methods/choose-blocks';
import { type AdapterTrainOptions, adapterTrainStep, initAdapterTraining } from './train';
import { combineTailors } from './weighted';

beforeAll(useTestBackend);

const config = (method: string, field: string) => (value: number) =>
  adapterConfig({ method, [field]: value } as unknown as AdapterConfigInput, DIT);
const pissa = (field: string) => (value: number) =>
  adapterConfig({ method: 'pissa', init: { iterations: 4, seed: 1, [field]: value } } as AdapterConfigInput, DIT);
const train = (options: Partial<AdapterTrainOptions>) => {
  const model = tinyModel({ method: 'bitfit' });
  const { x, t, labels } = inputsFor([0, 1]);
  const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.mean(denoiser(x, t)) as tf.Scalar;
  return adapterTrainStep({ state: initAdapterTraining(model), labels, loss }, { learningRate: 0.01, ...options });
};
const choose = (fields: object) =>
  chooseLearngeneBlocks(denseBase(), {
    dit: DIT,
    count: 1,
    generator: createGenerator(1),
    loss: (params: DitParams) => tf.sum(params.blocks[0].attn.q.weight) as tf.Scalar,
    ...fields,
  });
const tailors = () => tinyModel({ method: 'low-rank', keep: 6, rank: 3 }).adapters['class-0'].layers;
const combine = (fields: object) => combineTailors([tailors()], { dit: DIT, weights: [1], ...fields });

/** Every scalar option, what takes it, and wrong values beside NaN, infinity and -1. */
const OPTIONS: readonly (readonly [name: string, more: readonly number[], use: (value: number) => unknown])[] = [
  ...['lora', 'dora', 'pissa', 'loha', 'low-rank', 'svd-cut', 'fine'].map(
    (method) => ['rank', [0, 1.5, 17], config(method, 'rank')] as const,
  ),
  ...['lora', 'dora', 'pissa', 'loha'].map((method) => ['alpha', [0], config(method, 'alpha')] as const),
  ...['low-rank', 'svd-cut'].map((method) => ['keep', [0, 1.5, 17], config(method, 'keep')] as const),
  ['init.iterations', [0, 1.5, 101], pissa('iterations')],
  ['init.seed', [1.5], pissa('seed')],
  ['scale', [0], config('svdiff', 'scale')],
  ['blockSize', [0, 1, 3], config('oft', 'blockSize')],
  ['cayley', [0, 1, 1.5, 65], config('oft', 'cayley')],
  ['sweeps', [1.5, 1e9], config('fine', 'sweeps')],
  ['depth', [0, 1.5, 1e9], config('heur-lg', 'depth')],
  ['parameters', [0], (parameters) => matchRank({ method: 'lora' }, { dit: DIT, groups: sharedGroup(2), parameters })],
  ['classes', [0, 1.5, 2 ** 31], (classes) => sharedGroup(classes)],
  ['classes', [0, 1.5, 2 ** 31], (classes) => groupPerClass(classes)],
  ['rank', [0, 1.5, 17], (rank) => initLowRankDit(createGenerator(1), DIT, { rank })],
  ['learningRate', [], (learningRate) => train({ learningRate })],
  ['weightDecay', [], (weightDecay) => train({ weightDecay })],
  ['emaDecay', [1.5], (emaDecay) => train({ emaDecay })],
  ['betas\\[1\\]', [1], (beta) => train({ betas: [0.9, beta] })],
  ['count', [0, 1.5, 3], (count) => choose({ count })],
  ['steps', [0, 1.5], (steps) => choose({ steps })],
  ['learningRate', [], (learningRate) => choose({ learningRate, steps: 1 })],
  ['weights', [], (weight) => combine({ weights: [weight < 0 ? Number.NaN : weight] })],
  ['rank', [0, 1.5, 4], (rank) => combine({ rank })],
];

test.each(OPTIONS)('%s refuses NaN, infinity, a negative number and %j by its name', (name, more, use) => {
  tf.tidy(() => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, ...more]) {
      expect(() => use(value), `${name} = ${value}`).toThrow(new RegExp(`^${name}: expected .* got`));
    }
  });
});
