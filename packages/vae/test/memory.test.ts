import { createGenerator } from '@learngene/random';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { decodeVae, encodeVae, initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '../src/index';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const WIDTH = 8;
/** Images of the largest level that a block may need at once: its input, two of its results, and what a composite op makes. */
const AT_ONCE = 10;

test.each<[string, VaeConfig]>([
  [
    'AutoencoderKL',
    klVaeConfig({ widths: [WIDTH, WIDTH], blocksPerLevel: 4, normGroups: 4, sampleSize: 32, midBlockAttention: false }),
  ],
  [
    'AutoencoderTiny',
    tinyVaeConfig('taesd', {
      encoderWidths: [WIDTH, WIDTH],
      encoderBlocks: [5, 5],
      decoderWidths: [WIDTH, WIDTH],
      decoderBlocks: [5, 5],
    }),
  ],
])('%s holds the images of a block, not those of the whole network', async (_, config) => {
  const params = initVae(createGenerator(1), config);
  const side = 64;
  const images = tf.zeros([1, side, side, 3]) as Tensor4D;
  const { mean } = encodeVae(params, images, { config });
  const before = tf.memory().numBytes;
  const largest = 4 * WIDTH * side ** 2;
  for (const work of [() => encodeVae(params, images, { config }).mean, () => decodeVae(params, mean, { config })]) {
    const { peakBytes } = await tf.profile(work);
    expect(peakBytes - before).toBeGreaterThan(largest);
    expect(peakBytes - before).toBeLessThan(AT_ONCE * largest);
  }
});
