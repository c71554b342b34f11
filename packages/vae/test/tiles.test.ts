import { mapParams, valueAndGrad } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectNoLeak } from '@learngene/testing';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import {
  decodeVae,
  decodeVaeTiled,
  encodeVae,
  encodeVaeTiled,
  initVae,
  klVaeConfig,
  type TiledVaeOptions,
  type TinyVaeConfig,
  tinyVaeConfig,
  type VaeParams,
  vaeConfigFromDiffusers,
  vaeDownscale,
  vaeFromLayout,
  vaeParamsFromTensorData,
} from '../src/index';
import { decoderReach, encoderReach } from '../src/tiles/reach';
import { drawState, errorOf, readResults, summaryOf, valuesOf } from './fixtures';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const small = { encoderWidths: [4, 4, 4], decoderWidths: [4, 4, 4] };
const local: Record<string, TinyVaeConfig> = {
  strided: tinyVaeConfig('taesd', { ...small, encoderBlocks: [1, 1, 2], decoderBlocks: [2, 1, 1] }),
  shuffle: tinyVaeConfig('shuffle', { ...small, encoderBlocks: [0, 1, 1], decoderBlocks: [1, 1, 0] }),
};
const pooled = tinyVaeConfig('taef2', { ...small, encoderBlocks: [1, 1, 1], decoderBlocks: [1, 1, 1] });
const kl = klVaeConfig({ widths: [8, 8], normGroups: 4, blocksPerLevel: 1, sampleSize: 32 });

function noise(height: number, width: number, channels: number, seed = 3): Tensor4D {
  const values = normal(createGenerator(seed), height * width * channels);
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, [1, channels, height, width]), [0, 2, 3, 1]));
}

/**
 * The first and the last index with a gradient, of rows or columns. A fast convolution (Winograd) leaves some rounding beside
 * the edge of what is not zero, a millionth of what is there.
 */
function support(gradient: Tensor4D, axis: 1 | 2): [number, number] {
  const others = [0, 1, 2, 3].filter((i) => i !== axis);
  const sizes = [...tf.max(tf.abs(gradient), others).dataSync()];
  const least = 1e-7 * Math.max(...sizes);
  const found = sizes.flatMap((value, i) => (value > least ? [i] : []));
  return [found[0], found[found.length - 1]];
}

describe.each(Object.keys(local))('the reach of the %s autoencoder', (name) => {
  const config = { ...local[name], latentClamp: 'decoder' } as const;
  const factor = vaeDownscale(config);
  /** Positive weights of averages: a gradient is 0 only where there is no path. */
  const averaging = () =>
    mapParams(
      ({ shape, size }) => tf.fill(shape, shape.length === 1 ? 0 : shape[shape.length - 1] / size),
      initVae(createGenerator(0), config),
    );

  test.each([1, 2] as const)('is what one latent sees of the image, on axis %i', (axis) => {
    const side = 64 * factor;
    const at = 32;
    const images = tf.ones<tf.Rank.R4>(axis === 1 ? [1, side, 4 * factor, 3] : [1, 4 * factor, side, 3]);
    const begin = axis === 1 ? [0, at, 1, 0] : [0, 1, at, 0];
    const params = averaging();
    const { grads } = valueAndGrad(
      (p) =>
        tf.sum(tf.slice(encodeVae(params, p.images, { config }).mean as tf.Tensor, begin, [1, 1, 1, 1])) as tf.Scalar,
      { images },
    );
    const [first, last] = support(grads.images, axis);
    const reach = encoderReach(config, factor);
    const seen = Math.max(at * factor - first, last - ((at + 1) * factor - 1));
    expect(seen).toBeLessThanOrEqual(reach);
    expect(seen).toBeGreaterThan(reach - 2 * factor);
  });

  test('is what one pixel sees of the latents', () => {
    const latents = tf.ones<tf.Rank.R4>([1, 4, 64, config.latentChannels]);
    const params = averaging();
    const reach = decoderReach(config);
    let most = 0;
    for (const pixel of [32 * factor, 33 * factor - 1]) {
      const { grads } = valueAndGrad(
        (p) =>
          tf.sum(
            tf.slice(decodeVae(params, p.latents, { config }) as tf.Tensor, [0, 8, pixel, 0], [1, 1, 1, 1]),
          ) as tf.Scalar,
        { latents },
      );
      const [first, last] = support(grads.latents, 2);
      most = Math.max(most, 32 - first, last - 32);
    }
    expect(most).toBeLessThanOrEqual(reach);
    expect(most).toBeGreaterThan(reach - 2);
  });
});

describe.each(Object.keys(local))('tiles of the %s autoencoder', (name) => {
  const config = local[name];
  const factor = vaeDownscale(config);
  const params = () => initVae(createGenerator(1), config);

  test.each([
    [13 * factor, 20 * factor],
    [4 * factor, 9 * factor],
  ])('are the whole of %i x %i pixels within 1e-5', (height, width) => {
    const p = params();
    const images = noise(height, width, 3);
    const tile = 4 * factor;
    const whole = encodeVae(p, images, { config });
    const tiled = encodeVaeTiled(p, images, { config, tile });
    expect(tiled.logVariance).toBeUndefined();
    expect(errorBetween(tiled.mean, whole.mean)).toBeLessThan(1e-5);

    const latents = noise(height / factor, width / factor, config.latentChannels, 4);
    const decoded = decodeVaeTiled(p, latents, { config, tile });
    expect(errorBetween(decoded, decodeVae(p, latents, { config }))).toBeLessThan(1e-5);
  });

  test('need the memory of a tile, not of the image', () => {
    const p = params();
    const peak = (height: number, tile: number) => {
      const images = noise(height, 4 * factor, 3);
      const most = peakBytes(() => encodeVaeTiled(p, images, { config, tile }).mean);
      images.dispose();
      return most;
    };
    const tile = 4 * factor;
    const [few, many] = [peak(20 * tile, tile), peak(40 * tile, tile)];
    const whole = [peak(20 * tile, 20 * tile), peak(40 * tile, 40 * tile)];
    expect(whole[1] / whole[0]).toBeGreaterThan(1.9);
    expect(many / few).toBeLessThan(1.25); // the latents themselves grow
  });
});

describe.each(['kl', 'kl-plain'])("blended tiles of diffusers' %s", (name) => {
  test('have its numbers', { timeout: 300_000 }, async () => {
    const config = vaeConfigFromDiffusers(summaryOf(name).config);
    const params = vaeParamsFromTensorData(
      vaeFromLayout(drawState(summaryOf(name).shapes), config, 'diffusers'),
      config,
    );
    const results = readResults(name);
    const factor = vaeDownscale(config);
    const { mean, logVariance } = encodeVaeTiled(params, noise(56, 88, 3), { config });
    const moments = await tf.concat([mean, logVariance!], 3).data();
    expect(errorOf(moments, valuesOf(results, 'tiled.encoded'))).toBeLessThan(1e-4);

    const latents = noise(56 / factor, 88 / factor, config.latentChannels, 4);
    const decoded = decodeVaeTiled(params, latents, { config });
    expect(errorOf(await decoded.data(), valuesOf(results, 'tiled.decoded'))).toBeLessThan(1e-4);
    // They are not those of the whole image, which the norms see.
    expect(errorBetween(decoded, decodeVae(params, latents, { config }))).toBeGreaterThan(1e-3);
  });
});

describe('blended tiles', () => {
  test.each([pooled, kl])('of one tile are the whole, whatever the overlap', (config) => {
    const params: VaeParams = initVae(createGenerator(2), config);
    const images = noise(32, 32, 3);
    const whole = encodeVae(params, images, { config }).mean;
    const tiled = encodeVaeTiled(params, images, { config, tile: 32, overlap: 0.5 }).mean;
    expect(errorBetween(tiled, whole)).toBe(0);
    const larger = encodeVaeTiled(params, noise(32, 48, 3), { config, tile: 32 });
    expect(larger.mean.shape).toEqual([1, 32 / vaeDownscale(config), 48 / vaeDownscale(config), config.latentChannels]);
  });

  test('leave nothing behind', async () => {
    const params = initVae(createGenerator(2), kl);
    const images = noise(48, 48, 3);
    await expectNoLeak(() => {
      const { mean, logVariance } = encodeVaeTiled(params, images, { config: kl });
      tf.dispose([mean, logVariance!, decodeVaeTiled(params, mean, { config: kl })]);
    });
  });

  test('refuse what does not fit, by name', () => {
    const params = initVae(createGenerator(2), kl);
    const images = noise(64, 64, 3);
    const refused: [Partial<TiledVaeOptions>, string][] = [
      [{ tile: 33 }, 'tile: expected a multiple of 2 pixels, got 33'],
      [{ tile: 0 }, 'tile: expected a multiple of 2'],
      [{ overlap: 1 }, 'overlap: expected a share in [0, 1), got 1'],
      [{ overlap: -0.25 }, 'overlap: expected a share'],
      [{ tile: 32, overlap: 0.1 }, 'overlap: expected a multiple of 2 pixels of a tile of 32'],
      [{ halo: 3 } as object, "got 'halo'"],
    ];
    for (const [options, message] of refused) {
      expect(() => encodeVaeTiled(params, images, { config: kl, ...options })).toThrow(message);
      expect(() => decodeVaeTiled(params, noise(32, 32, 4), { config: kl, ...options })).toThrow(message);
    }
  });
});

function errorBetween(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)).dataSync()[0]);
}

/** The most bytes that lie in tensors at once while `work` runs, beyond those before. */
function peakBytes(work: () => tf.TensorContainer): number {
  const engine = tf.engine();
  const { makeTensorFromTensorInfo } = engine;
  const before = tf.memory().numBytes;
  let most = 0;
  // What every kernel's results go through.
  engine.makeTensorFromTensorInfo = function watched(...args) {
    const result = makeTensorFromTensorInfo.apply(this, args);
    most = Math.max(most, tf.memory().numBytes - before);
    return result;
  };
  try {
    tf.dispose(work());
  } finally {
    engine.makeTensorFromTensorInfo = makeTensorFromTensorInfo;
  }
  return most;
}
