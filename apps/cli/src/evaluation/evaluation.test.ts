import type { FeatureExtractor } from '@learngene/metrics';
import { describe, expect, test } from 'vitest';
import { classAccuracy } from './extractor';
import { noisePictures } from './noise';

const images = { data: new Uint8Array(3 * 4), count: 3, height: 2, width: 2, channels: 1 };

describe('classAccuracy', () => {
  const extractor = (logits: number[] | undefined, classes?: number): FeatureExtractor => ({
    name: 'stub',
    dims: 1,
    classes,
    extract: async () => ({ features: new Float32Array(3), logits: logits && Float32Array.from(logits) }),
  });
  test('is the share of pictures whose largest logit is their label', async () => {
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

test('noise repeats with its seed and covers all bytes', () => {
  const like = { ...images, data: new Uint8Array(64 * 64), count: 1, height: 64, width: 64 };
  const { data } = noisePictures(like, 1);
  expect(noisePictures(like, 1).data).toEqual(data);
  expect(noisePictures(like, 2).data).not.toEqual(data);
  expect([Math.min(...data), Math.max(...data)]).toEqual([0, 255]);
  expect(data.reduce((a, b) => a + b, 0) / data.length).toBeCloseTo(127.5, -1);
});
