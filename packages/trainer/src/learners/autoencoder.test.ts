import { flattenParams, type ParamTree } from '@learngene/nn';
import { createGenerator, normal, uniform } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AutoencoderBatch } from '../contracts/autoencoder';
import type { ReconstructionWeights } from '../objective/reconstruction';
import { freshTree } from './adamw-tree';
import { autoencoderLearner } from './autoencoder';

beforeAll(useTestBackend);

const tiny = tinyVaeConfig('shuffle', {
  latentChannels: 4,
  encoderWidths: [6, 8],
  decoderWidths: [8, 6],
  encoderBlocks: [1, 1],
  decoderBlocks: [1, 1],
});
const kl = klVaeConfig('sd1', { latentChannels: 2, widths: [4, 4], blocksPerLevel: 1, normGroups: 2 });
const LOSS: ReconstructionWeights = { l1: 0.5, mse: 4, gradient: 0.5, latent: 0.001, kl: 0 };
const STEP = { learningRate: 4e-3, emaDecay: 0.5, clipNorm: 1 };

function learnerOf(config: VaeConfig, loss: Partial<ReconstructionWeights> = {}, latentNoise = 0) {
  const start = () => freshTree(initVae(createGenerator(1), config) as ParamTree);
  return autoencoderLearner(start, { config, loss: { ...LOSS, ...loss }, latentNoise });
}

/** Smooth pictures: planes of grey that rise in different directions. */
function batchOf(config: VaeConfig, count = 4, side = 8): AutoencoderBatch {
  const factor = config.type === 'tiny' ? 4 : 2;
  const slopes = uniform(createGenerator(5), 2 * count, { low: -1, high: 1 });
  const images = tf.buffer([count, side, side, 3]);
  for (let i = 0; i < images.size; i++) {
    const [n, y, x] = images.indexToLoc(i);
    images.values[i] = slopes[2 * n] * (y / side - 0.5) + slopes[2 * n + 1] * (x / side - 0.5);
  }
  const noise = normal(createGenerator(6), (count * side * side * config.latentChannels) / factor ** 2);
  return {
    images: images.toTensor() as tf.Tensor4D,
    noise: tf.tensor4d(noise, [count, side / factor, side / factor, config.latentChannels]),
  };
}

describe('autoencoderLearner', () => {
  const both: [string, VaeConfig, Partial<ReconstructionWeights>, number][] = [
    ['a tiny autoencoder', tiny, {}, 0.4],
    ['an AutoencoderKL', kl, { latent: 0, kl: 1e-4 }, 0.85],
  ];

  test.each(both)('%s learns a handful of images by heart', async (_, config, loss, most) => {
    const learner = learnerOf(config, loss);
    const batch = batchOf(config, 2);
    const error = async () => (await learner.evaluate(batch)).reduce((sum, each) => sum + each, 0);
    const before = await error();
    for (let i = 0; i < 25; i++) await learner.step(batch, STEP);
    expect(await error()).toBeLessThan(most * before);
    learner.dispose();
    tf.dispose([batch.images, batch.noise]);
  });

  test.each(both)('%s leaks nothing', async (_, config, loss) => {
    await expectNoLeak(async () => {
      const learner = learnerOf(config, loss);
      const batch = batchOf(config, 2);
      for (let i = 0; i < 2; i++) await learner.step(batch, STEP);
      await learner.evaluate(batch);
      learner.dispose();
      tf.dispose([batch.images, batch.noise]);
    });
  });

  test('evaluate is the mean squared error in [0, 1] of what rebuild gives, pixels outside cut off', async () => {
    const learner = learnerOf(tiny);
    const batch = batchOf(tiny);
    const rebuilt = learner.rebuild(batch.images);
    const [came, real] = [await rebuilt.data(), await batch.images.data()];
    const each = came.length / 4;
    const expected = Array.from({ length: 4 }, (_, n) => {
      let sum = 0;
      for (let i = n * each; i < (n + 1) * each; i++) {
        sum += ((Math.max(-1, Math.min(1, came[i])) - real[i]) / 2) ** 2;
      }
      return sum / each;
    });
    const errors = await learner.evaluate(batch);
    expected.forEach((error, n) => {
      expect(errors[n]).toBeCloseTo(error, 6);
    });
    tf.dispose([rebuilt, batch.images, batch.noise]);
    learner.dispose();
  });

  test('noise on the latents changes a step; without it the noise of the batch is not read', async () => {
    const batch = batchOf(tiny);
    const other = { images: batch.images, noise: tf.neg(batch.noise) as tf.Tensor4D };
    const lossWith = async (latentNoise: number, from: AutoencoderBatch) => {
      const learner = learnerOf(tiny, {}, latentNoise);
      const { loss } = await learner.step(from, STEP);
      learner.dispose();
      return loss;
    };
    expect(await lossWith(0, other)).toBe(await lossWith(0, batch));
    expect(await lossWith(0.5, other)).not.toBe(await lossWith(0.5, batch));
    tf.dispose([other.noise, batch.images, batch.noise]);
  });

  test('a weight decay reaches the weights of convolutions alone', async () => {
    const batch = batchOf(tiny);
    const after = async (weightDecay: number) => {
      const start = () => freshTree(initVae(createGenerator(1), tiny) as ParamTree);
      const learner = autoencoderLearner(start, { config: tiny, loss: LOSS, latentNoise: 0, weightDecay });
      await learner.step(batch, STEP);
      const leaves = await Promise.all(
        [...flattenParams(learner.state().trees.params)].map(
          async ([name, leaf]) => [name, await leaf.data()] as const,
        ),
      );
      learner.dispose();
      return new Map(leaves);
    };
    const [plain, decayed] = [await after(0), await after(0.5)];
    for (const [name, values] of plain) {
      const same = values.every((value, i) => value === decayed.get(name)?.[i]);
      expect([name, same]).toEqual([name, !name.endsWith('.weight')]);
    }
    tf.dispose([batch.images, batch.noise]);
  });

  test('a state restores to the same bits, also before the first use', async () => {
    const batch = batchOf(tiny);
    const learner = learnerOf(tiny, {}, 0.1);
    for (let i = 0; i < 3; i++) await learner.step(batch, STEP);
    const copy = (tree: ParamTree): ParamTree =>
      Object.fromEntries(
        Object.entries(tree).map(([key, value]) => [
          key,
          value instanceof tf.Tensor ? tf.clone(value) : copy(value as ParamTree),
        ]),
      );
    const { step, trees } = learner.state();
    const saved = { step, trees: Object.fromEntries(Object.entries(trees).map(([name, tree]) => [name, copy(tree)])) };
    const resumed = learnerOf(tiny, {}, 0.1);
    resumed.restore(saved);
    const [one, two] = [await learner.step(batch, STEP), await resumed.step(batch, STEP)];
    expect(two).toEqual(one);
    expect(await resumed.evaluate(batch)).toEqual(await learner.evaluate(batch));
    expect(resumed.counts).toEqual(learner.counts);
    learner.dispose();
    resumed.dispose();
    tf.dispose([batch.images, batch.noise]);
  });

  test('refuses weights that do not go with the autoencoder', () => {
    const with_ = (config: VaeConfig, loss: Partial<ReconstructionWeights>, latentNoise = 0) =>
      learnerOf(config, loss, latentNoise);
    expect(() => with_(tiny, { kl: 0.1 })).toThrow('loss.kl: expected 0 for a tiny autoencoder');
    expect(() => with_(kl, {}, 0.1)).toThrow('latentNoise: expected 0 for an AutoencoderKL');
    expect(() => with_(tiny, { l1: 0, mse: 0, gradient: 0 })).toThrow('loss: expected a weight above 0');
  });
});
