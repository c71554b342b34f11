import { type FeatureExtractor, imageSource } from '@learngene/metrics';
import { describe, expect, test } from 'vitest';
import { classAccuracy } from './in-domain-extractor';
import { noiseSource } from './noise-baseline';

const images = imageSource({ data: new Uint8Array(3 * 4), count: 3, height: 2, width: 2, channels: 1 });

describe('classAccuracy', () => {
  const extractor = (logits: number[] | undefined, classes?: number): FeatureExtractor => ({
    name: 'stub',
    dims: 1,
    classes,
    extract: async () => ({ features: new Float32Array(3), logits: logits && Float32Array.from(logits) }),
  });
  test('is the share of images whose largest logit is their label', async () => {
    const logits = [3, 1, -1, -5, 0, 2];
    expect(await classAccuracy(extractor(logits, 2), images, [1, 0, 0])).toBeCloseTo(1 / 3);
    expect(await classAccuracy(extractor(logits, 2), images, [0, 0, 1])).toBeCloseTo(1);
  });
  test('needs logits', async () => {
    await expect(classAccuracy(extractor(undefined, 2), images, [0, 0, 0])).rejects.toThrow(
      'stub: expected logits, got none',
    );
  });
});

test('noise repeats with its seed, in any batches, and covers all bytes', async () => {
  const like = imageSource({ data: new Uint8Array(4 * 32 * 32), count: 4, height: 32, width: 32, channels: 1 });
  const { data, ...sizes } = await noiseSource(like, 1).read(0, 4);
  expect(sizes).toEqual({ count: 4, height: 32, width: 32, channels: 1 });
  const again = noiseSource(like, 1);
  expect((await again.read(2, 4)).data).toEqual(data.slice(2048));
  expect((await again.read(0, 1)).data).toEqual(data.slice(0, 1024));
  expect((await again.read(1, 3)).data).toEqual(data.slice(1024, 3072));
  expect((await noiseSource(like, 2).read(0, 4)).data).not.toEqual(data);
  expect([Math.min(...data), Math.max(...data)]).toEqual([0, 255]);
  expect(data.reduce((a, b) => a + b, 0) / data.length).toBeCloseTo(127.5, -1);
});

test('classAccuracy goes through large sets in batches', async () => {
  const many = imageSource({ data: new Uint8Array(600), count: 600, height: 1, width: 1, channels: 1 });
  const sizes: number[] = [];
  const extractor: FeatureExtractor = {
    ...{ name: 'stub', dims: 1, classes: 2 },
    async extract({ count }) {
      sizes.push(count);
      return { features: new Float32Array(count), logits: Float32Array.from({ length: 2 * count }, (_, i) => i % 2) };
    },
  };
  expect(await classAccuracy(extractor, many, new Int32Array(600).fill(1).fill(0, 590))).toBeCloseTo(590 / 600);
  expect(sizes).toEqual([256, 256, 88]);
});
