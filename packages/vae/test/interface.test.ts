import { cloneParams, flattenParams, mapParams, valueAndGrad } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectClose, expectNoLeak } from '@learngene/testing';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import {
  createAutoencoder,
  decodeVae,
  encodeVae,
  initVae,
  klVaeConfig,
  posteriorKl,
  samplePosterior,
  scaleLatents,
  tinyVaeConfig,
  unscaleLatents,
  type VaeConfig,
  vaeDownscale,
} from '../src/index';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const small = { encoderWidths: [4, 4], encoderBlocks: [1, 1], decoderWidths: [4, 4], decoderBlocks: [1, 1] };
const configs: Record<string, VaeConfig> = {
  tiny: tinyVaeConfig('taesd', small),
  pooled: tinyVaeConfig('taef2', small),
  shuffle: tinyVaeConfig('shuffle', { ...small, imageChannels: 1 }),
  kl: klVaeConfig({ widths: [4, 8], normGroups: 4, blocksPerLevel: 1, shiftFactor: 0.1 }),
};

function noise(shape: readonly [number, number, number, number], seed = 4): Tensor4D {
  return tf.tensor4d(normal(createGenerator(seed), tf.util.sizeFromShape([...shape])), shape as never);
}

describe.each(Object.keys(configs))('the %s autoencoder', (name) => {
  const config = configs[name];
  const factor = vaeDownscale(config);
  const images = (N = 2) => noise([N, 4 * factor, 2 * factor, config.imageChannels]);

  test('has latents of its own sides and channels, and gives the images back in theirs', () => {
    const vae = createAutoencoder(initVae(createGenerator(1), config), config);
    expect([vae.downscale, vae.latentChannels]).toEqual([factor, config.latentChannels]);
    const x = images();
    const { mean, logVariance } = vae.encode(x);
    expect(mean.shape).toEqual([2, 4, 2, config.latentChannels]);
    expect(logVariance?.shape).toEqual(config.type === 'kl' ? mean.shape : undefined);
    expect(vae.decode(mean).shape).toEqual(x.shape);
    expectClose(vae.unscale(vae.scale(mean)), mean, { atol: 1e-5 });
    vae.dispose();
    vae.dispose();
    expect(() => vae.encode(x)).toThrow('autoencoder: expected one that is not disposed');
    expect(() => vae.decode(mean)).toThrow('not disposed');
  });

  test('gives each image a result that does not depend on its batch mates', () => {
    const params = initVae(createGenerator(1), config);
    const x = images(3);
    const { mean } = encodeVae(params, x, { config });
    const alone = encodeVae(params, tf.slice(x, 1, 1), { config }).mean;
    expectClose(alone, tf.slice(mean, 1, 1), { atol: 1e-5 });
    const decoded = tf.slice(decodeVae(params, mean, { config }), 1, 1);
    expectClose(decodeVae(params, alone, { config }), decoded, { atol: 1e-4 });
  });

  test('sends a gradient to every parameter, and leaves nothing behind', async () => {
    const g = createGenerator(9);
    const params = mapParams(
      (leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std: 0.1 }), leaf.shape)),
      initVae(createGenerator(1), config),
    );
    const x = images();
    const step = () => {
      const { value, grads } = valueAndGrad((p) => {
        const posterior = encodeVae(p, x, { config });
        const error = tf.mean(tf.square(tf.sub(decodeVae(p, posterior.mean, { config }), x))) as tf.Scalar;
        return posterior.logVariance ? tf.add(error, tf.mean(posteriorKl(posterior))) : error;
      }, params);
      return { value, grads };
    };
    const { grads } = step();
    for (const [key, grad] of flattenParams(grads)) {
      // A bias of the keys moves all scores of a query alike: its gradient is 0 but for rounding.
      if (key.endsWith('attn.k.bias')) continue;
      expect(Math.max(...(await grad.data()).map(Math.abs)), key).toBeGreaterThan(0);
    }
    await expectNoLeak(() => {
      const again = step();
      tf.dispose([again.value, ...flattenParams(again.grads).values()]);
    });
  });

  test('leaves nothing behind and disposes nothing', async () => {
    const params = initVae(createGenerator(1), config);
    const x = images();
    await expectNoLeak(() => {
      const { mean, logVariance } = encodeVae(params, x, { config });
      tf.dispose([mean, ...(logVariance ? [logVariance] : []), decodeVae(params, mean, { config })]);
    });
    expect([x, ...flattenParams(params).values()].some(({ isDisposed }) => isDisposed)).toBe(false);
  });

  test('refuses images and latents that do not fit, by name', () => {
    const params = initVae(createGenerator(1), config);
    const C = config.imageChannels;
    const bad: [tf.Tensor, string][] = [
      [noise([1, factor + 1, factor, C]), `images: expected float32 [N, H, W, ${C}], H and W multiples of ${factor}`],
      [noise([1, factor, factor, C + 1]), `got float32 [1, ${factor}, ${factor}, ${C + 1}]`],
      [tf.zeros([factor, factor, C]), `got float32 [${factor}, ${factor}, ${C}]`],
      [tf.zeros([1, factor, factor, C], 'int32'), 'got int32'],
      [tf.zeros([0, factor, factor, C]), 'got float32 [0'],
    ];
    for (const [x, message] of bad) expect(() => encodeVae(params, x as Tensor4D, { config })).toThrow(message);
    const latents = noise([1, 2, 2, config.latentChannels + 1]);
    expect(() => decodeVae(params, latents, { config })).toThrow('latents: expected float32 [N, h, w,');
    expect(() => encodeVae(params, [] as never, { config })).toThrow('images: expected a tensor, got object');
    expect(() => encodeVae(params, images(), { config, tile: 3 } as never)).toThrow("got 'tile'");
    expect(() => decodeVae(null as never, latents, { config })).toThrow('params: expected an object');
  });
});

describe('the blocks', () => {
  test('of a pre-activation autoencoder are the identity while their last convolution is zero', () => {
    const config = tinyVaeConfig('shuffle', small);
    const fresh = initVae(createGenerator(1), config);
    const silent = mapParams((leaf, key) => (/conv\.1\./.test(key) ? tf.zerosLike(leaf) : tf.clone(leaf)), fresh);
    const x = noise([1, 8, 8, 3]);
    const without = { ...config, encoderBlocks: [0, 0], decoderBlocks: [0, 0] };
    const bare = initVae(createGenerator(1), without);
    const frame = mapParams((_, key) => flattenParams(silent).get(key)!, cloneParams(bare));
    expectClose(encodeVae(silent, x, { config }).mean, encodeVae(frame, x, { config: without }).mean, { atol: 1e-6 });
  });

  test('of a tiny autoencoder keep latents within (-3, 3) where they are told to', () => {
    const config = tinyVaeConfig('shuffle', small);
    const params = mapParams((leaf) => tf.mul(leaf, 20), initVae(createGenerator(1), config));
    const { mean } = encodeVae(params, noise([1, 8, 8, 3]), { config });
    expect(tf.max(tf.abs(mean)).dataSync()[0]).toBeLessThanOrEqual(3);
    const free = encodeVae(params, noise([1, 8, 8, 3]), { config: { ...config, latentClamp: 'decoder' } });
    expect(tf.max(tf.abs(free.mean)).dataSync()[0]).toBeGreaterThan(3);
  });
});

describe('a posterior', () => {
  test('of a deterministic autoencoder is its mean, without a draw', () => {
    const g = createGenerator(2);
    const mean = noise([1, 2, 2, 3]);
    expectClose(samplePosterior({ mean }, g), mean, { atol: 0 });
    expect(normal(g, 4)).toEqual(normal(createGenerator(2), 4));
    expect(() => posteriorKl({ mean })).toThrow('posterior: expected a log variance');
  });

  test('has draws of its mean and variance, and no divergence from itself', async () => {
    const shape = [1, 64, 64, 4] as const;
    const mean = tf.fill<tf.Rank.R4>([...shape], 2);
    const logVariance = tf.fill<tf.Rank.R4>([...shape], Math.log(9));
    const sample = samplePosterior({ mean, logVariance }, createGenerator(3));
    const { mean: m, variance } = tf.moments(sample);
    expect(Math.abs((await m.data())[0] - 2)).toBeLessThan(4 * (3 / 128));
    expect(Math.abs((await variance.data())[0] / 9 - 1)).toBeLessThan(0.05);
    const zero = tf.zerosLike(mean);
    expect((await posteriorKl({ mean: zero, logVariance: zero }).data())[0]).toBe(0);
    // (4 + 9 - 1 - ln 9) / 2 for each of the latents.
    const expected = (shape[1] * shape[2] * shape[3] * (4 + 9 - 1 - Math.log(9))) / 2;
    expect((await posteriorKl({ mean, logVariance }).data())[0] / expected).toBeCloseTo(1, 4);
  });

  test('is scaled as in diffusers, and back', () => {
    const latents = noise([1, 2, 2, 4]);
    const config = configs.kl;
    const scaled = scaleLatents(latents, config);
    expectClose(scaled, tf.mul(tf.sub(latents, 0.1), 0.18215), { atol: 1e-6 });
    expectClose(unscaleLatents(scaled, config), latents, { atol: 1e-5 });
  });
});
