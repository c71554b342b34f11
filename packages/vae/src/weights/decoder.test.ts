import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAutoencoder, createDecoder, initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '../index';

beforeAll(async () => void (await useTestBackend()));

const one = [1, 1];
const configs: [string, VaeConfig][] = [
  [
    'a tiny one',
    tinyVaeConfig('taesd', { encoderWidths: [4, 4], encoderBlocks: one, decoderWidths: [4, 4], decoderBlocks: one }),
  ],
  ['an AutoencoderKL', klVaeConfig({ widths: [4, 8], normGroups: 4, blocksPerLevel: 1 })],
];

describe.each(configs)('the decoder alone of %s', (_, config) => {
  const isOfEncoder = (name: string) => /^(encoder|quant)\./.test(name);

  test('decodes as the whole does, bit for bit, and does not encode', async () => {
    const whole = createAutoencoder(initVae(createGenerator(1), config), config);
    const tensors = await paramsToTensorData(initVae(createGenerator(1), config));
    const part = new Map([...tensors].filter(([name]) => !isOfEncoder(name)));
    expect(part.size).toBeLessThan(tensors.size);
    await expectNoLeak(async () => {
      const decoder = createDecoder(part, config);
      const latents = tf.randomNormal<tf.Rank.R4>([1, 2, 2, config.latentChannels], 0, 1, 'float32', 0);
      const [own, all] = [decoder.decode(latents), whole.decode(latents)];
      expect(await own.data()).toEqual(await all.data());
      expect(() => decoder.encode(latents)).toThrow('got a decoder alone');
      tf.dispose([latents, own, all]);
      decoder.dispose();
    });
    expect(() => createDecoder(tensors, config)).toThrow(/got key 'encoder\./);
    part.delete('decoder.in.weight');
    expect(() => createDecoder(part, config)).toThrow(/^decoder\.in\.weight: expected/);
    whole.dispose();
  });
});
