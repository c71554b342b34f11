import '@tensorflow/tfjs-backend-cpu';
import { ditConfig } from '@learngene/dit';
import { initKind, kindConfig } from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { type Autoencoder, createAutoencoder, initVae, tinyVaeConfig, vaeHash } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../config/load';
import { ConfigError } from '../errors';
import { openPipeline } from '../pipeline/open-pipeline';
import { recipeAutoencoder, sampledShape } from '../recipe/autoencoder';
import { bundleMetadata, readRecipe } from '../recipe/recipe';
import { type LoadedAutoencoder, latentDecoder } from './decoder';

beforeAll(() => tf.setBackend('cpu'));

const [hash, otherHash] = ['a'.repeat(64), 'b'.repeat(64)];
const section = {
  name: 'small',
  hash,
  imageChannels: 3,
  latentChannels: 2,
  downscale: 2,
  scalingFactor: 4,
  shiftFactor: 0.5,
};
const config = parseConfig({ autoencoder: section, sampling: { steps: 2 }, diffusion: { timesteps: 10 } }, 'test');

/** An autoencoder whose decoder gives three times the first channel of its raw latents, twice as large. */
const fake = (own: Partial<LoadedAutoencoder> = {}): LoadedAutoencoder => ({
  hash,
  autoencoder: {
    latentChannels: 2,
    downscale: 2,
    decode: (latents: tf.Tensor4D) =>
      tf.tidy(() => {
        const first = tf.slice(latents, [0, 0, 0, 0], [-1, -1, -1, 1]);
        return tf.mul<tf.Tensor4D>(
          tf.tile(tf.image.resizeNearestNeighbor(first as tf.Tensor4D, [4, 4]), [1, 1, 1, 3]),
          3,
        );
      }),
  } as unknown as Autoencoder,
  ...own,
});

describe('a decoder of latents', () => {
  test('undoes scale and shift before it decodes', async () => {
    const decode = latentDecoder(config, fake());
    const images = (await decode(tf.fill([1, 2, 2, 2], -1.8) as tf.Tensor4D)) as tf.Tensor4D;
    expect(images.shape).toEqual([1, 4, 4, 3]);
    for (const value of images.dataSync()) expect(value).toBeCloseTo(3 * (-1.8 / 4 + 0.5), 6);
  });
  test.each<[string, () => unknown, RegExp]>([
    [
      'another autoencoder',
      () => latentDecoder(config, fake({ hash: otherHash, name: 'other' })),
      /the model works in latents of small \(hash aaaaaaaaaaaa\), got other \(hash bbbbbbbbbbbb\)/,
    ],
    [
      'any autoencoder of a model of pixels',
      () => latentDecoder(parseConfig({}, 'test'), fake()),
      /the model works in pixels/,
    ],
    [
      'an autoencoder of other sizes',
      () => latentDecoder({ autoencoder: { ...section, downscale: 8 } }, fake()),
      /expected 2 channels and a downscale of 8, got 2 channels and a downscale of 2/,
    ],
    [
      'a recipe that lacks a part',
      () => recipeAutoencoder({ autoencoder: { ...section, scalingFactor: undefined } }),
      /autoencoder.scalingFactor: expected it in the recipe/,
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
  test('the images of a model are those that are decoded', () => {
    const dit = { inputSize: 8, inChannels: 2 };
    expect(sampledShape(dit, config)).toEqual({ height: 16, width: 16, channels: 3 });
    expect(sampledShape(dit, {})).toEqual({ height: 8, width: 8, channels: 2 });
  });
});

describe('a configuration of latents', () => {
  test('does not clip by default, and says how wide where it does', () => {
    expect(config.sampling.clip).toBe(false);
    expect(parseConfig({}, 'test').sampling.clip).toBe(true);
    expect(parseConfig({ data: { latents: 'folder' } }, 'test').sampling.clip).toBe(false);
    expect(parseConfig({ autoencoder: section, sampling: { clip: 3 } }, 'test').sampling.clip).toBe(3);
    expect(parseConfig(config, 'test')).toEqual(config);
  });
  test.each<[string, object, RegExp]>([
    [
      'clipping to the range of pixels',
      { autoencoder: section, sampling: { clip: true } },
      /sampling.clip: latents do not/,
    ],
    ['a negative range', { autoencoder: section, sampling: { clip: -1 } }, /sampling.clip/],
    [
      'an autoencoder without a place',
      { autoencoder: { scalingFactor: 2 } },
      /autoencoder: expected its path or its name/,
    ],
    ['a hash that is none', { autoencoder: { path: 'x', hash: 'abc' } }, /autoencoder.hash: expected 64 hexadecimal/],
    ['an unknown field', { autoencoder: { path: 'x', factor: 1 } }, /unknown key autoencoder.factor/],
  ])('with %s is refused', (_, value, message) => {
    expect(() => parseConfig(value, 'test')).toThrow(message);
  });
  test('travels in a bundle', () => {
    expect(readRecipe(bundleMetadata(config), 'kind.json')?.autoencoder).toEqual(section);
    expect(JSON.parse(bundleMetadata(parseConfig({}, 'test')).config)).not.toHaveProperty('autoencoder');
  });
});

describe('a pipeline of latents', () => {
  const vae = tinyVaeConfig('taesd', {
    latentChannels: 2,
    encoderWidths: [4, 4],
    encoderBlocks: [0, 0],
    decoderWidths: [4, 4],
    decoderBlocks: [0, 0],
  });
  const model = () => {
    const dit = ditConfig({ inputSize: 4, inChannels: 2, patchSize: 2, hiddenSize: 8, depth: 1, heads: 1, classes: 1 });
    const groups = [{ name: 'a', classes: [0], classNames: ['a'] }];
    const own = kindConfig({ dit, learngeneRank: 2, tailorRank: 1, gate: 'binary', nullGate: 'learngenes', groups });
    return { config: own, params: initKind(createGenerator(0), own) };
  };

  test('samples with its autoencoder, and with a function in its place; never without, and with no other', async () => {
    const before = tf.memory().numTensors;
    const loaded = model();
    const params = initVae(createGenerator(1), vae);
    const { paramsToTensorData } = await import('@learngene/nn');
    const own = await vaeHash(await paramsToTensorData(params), vae);
    const autoencoder = createAutoencoder(params, vae);
    const recipe = parseConfig({ ...config, autoencoder: { ...section, hash: own } }, 'test');
    const source = { model: loaded, recipe };
    await expect(openPipeline(source)).rejects.toThrow(
      /autoencoder: the model works in latents of small .*; give that/,
    );
    const other = { hash: otherHash, autoencoder };
    await expect(openPipeline(source, { autoencoder: other })).rejects.toThrow(
      /got an autoencoder without a name \(hash b/,
    );
    const both = { autoencoder: other, decode: (x: tf.Tensor4D) => x };
    await expect(openPipeline(source, both)).rejects.toThrow(
      'decode: expected one of decode and autoencoder, got both',
    );
    const pipeline = await openPipeline(source, { autoencoder: { hash: own, autoencoder } });
    const images = await pipeline.sample({ count: 2 });
    expect(images).toMatchObject({ count: 2, height: 8, width: 8, channels: 3 });
    await expect(pipeline.sample({ clip: true })).rejects.toThrow('sampling.clip: latents do not lie in [-1, 1]');
    pipeline.dispose();
    const byHand = await openPipeline(source, { decode: (x) => tf.tidy(() => tf.tile(x, [1, 3, 3, 1])) });
    expect(await byHand.sample()).toMatchObject({ height: 12, width: 12, channels: 2 });
    byHand.dispose();
    autoencoder.dispose();
    disposeParams(loaded.params as unknown as ParamTree);
    expect(tf.memory().numTensors).toBe(before);
  });
});
