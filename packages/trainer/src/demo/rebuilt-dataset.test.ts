import type { ImageDataset } from '@learngene/datasets';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { latentRows, withLatents } from '../latents/rows';
import { rebuiltDataset } from './rebuilt-dataset';

beforeAll(useTestBackend);

const SIZE = 40;
const images: ImageDataset = {
  name: 'grey',
  size: SIZE,
  height: 2,
  width: 2,
  channels: 1,
  classes: ['all'],
  labels: new Int32Array(SIZE),
  read: async (indices) => new Uint8Array(indices.length * 4),
};

/** The latent of image i is the one number (i - 20) / 20. */
const rows = latentRows({
  shape: [1, 1, 1],
  size: SIZE,
  crops: 1,
  mirrored: false,
  hasDeviation: false,
  copy: (index, _, target, offset) => void target.fill((index - 20) / 20, offset, offset + 1),
});
const decode = (x: tf.Tensor4D) => tf.tile(x, [1, 2, 2, 1]);

test('reads what is decoded from the latents, in the order that is asked for, and keeps no tensor', async () => {
  const rebuilt = rebuiltDataset(withLatents(images, rows), decode);
  const before = tf.memory().numTensors;
  const asked = [39, 0, ...Array.from({ length: 38 }, (_, i) => i + 1)];
  const bytes = await rebuilt.read(asked);
  expect(tf.memory().numTensors).toBe(before);
  const expected = asked.flatMap((i) => Array(4).fill(Math.round((1 + (i - 20) / 20) * 127.5)));
  for (const [i, byte] of bytes.entries()) expect(Math.abs(byte - expected[i])).toBeLessThanOrEqual(1);
  expect([...bytes.subarray(0, 8)]).toEqual([249, 249, 249, 249, 0, 0, 0, 0]);
});

test('images without latents are refused by name', () => {
  expect(() => rebuiltDataset(images, decode)).toThrow('grey: expected images with latents, got images alone');
});
