import { join } from 'node:path';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import {
  createAutoencoder,
  decodeVaeTiled,
  encodeVae,
  initVae,
  tinyVaeConfig,
  type VaeParams,
  vaeParamsFromTensorData,
} from '../src/index';
import { readOriginalVae } from '../src/node';
import { everything, slowEngine } from './engine';
import { errorOf, imagesOf, latentsOf, readResults, valuesOf } from './fixtures';
import { realFolder } from './real-data';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const folder = realFolder('taef2');
/** Milliseconds, for LEARNGENE_TEST_EVERYTHING on an engine that takes minutes. */
const LONG = everything ? 3_600_000 : 300_000;

describe.skipIf(!folder)('real data: TAESD for FLUX.2', () => {
  const config = tinyVaeConfig('taef2');
  let params: VaeParams;

  beforeAll(async () => {
    const files = { encoder: join(folder!, 'taef2_encoder.pth'), decoder: join(folder!, 'taef2_decoder.pth') };
    const { tensors } = await readOriginalVae(files, config);
    params = vaeParamsFromTensorData(tensors, config);
  });

  // 256 pixels of 64 channels take a slow engine minutes.
  test.each(slowEngine ? [64] : [64, 256])(
    "has torch's latents and images at %i pixels",
    async (side) => {
      const results = readResults('taef2');
      const vae = createAutoencoder(params, config);
      const { mean } = vae.encode(imagesOf(side));
      expect(errorOf(await mean.data(), valuesOf(results, `encoded.${side}`))).toBeLessThan(1e-4);
      const decoded = vae.decode(latentsOf(side / 8, 32));
      expect(errorOf(await decoded.data(), valuesOf(results, `decoded.${side}`))).toBeLessThan(1e-4);
      if (slowEngine || side > 64) return; // a third pass that says nothing of another size
      expect(errorOf(await vae.decode(mean).data(), valuesOf(results, `rebuilt.${side}`))).toBeLessThan(1e-4);
    },
    LONG,
  );

  // Four more passes that tell of the weights, not of the engine.
  test.skipIf(slowEngine)(
    'rebuilds a smooth picture far better than fresh weights do',
    async () => {
      const values = Float32Array.from({ length: 64 * 64 * 3 }, (_, i) => {
        const [x, y, c] = [Math.floor(i / 3) % 64, Math.floor(i / 192), i % 3];
        return (x - 32) ** 2 + (y - 30) ** 2 < 400 ? [0.9, 0.6, -0.7][c] : [-0.4, 0.2, 0.8][c];
      });
      const image = tf.tensor4d(values, [1, 64, 64, 3]);
      const error = async (p: VaeParams) => {
        const { mean } = encodeVae(p, image, { config });
        const difference = tf.sub(decodeVaeTiled(p, mean, { config }), image);
        return (await tf.mean(tf.square(tf.div(difference, 2))).data())[0]; // of pixels in [0, 1]
      };
      expect(await error(params)).toBeLessThan(0.003);
      expect(await error(initVae(createGenerator(0), config))).toBeGreaterThan(0.03);
    },
    LONG,
  );
});
