import { createGenerator } from '@learngene/random';
import { expect, test } from 'vitest';
import type { ImageBatch } from '../types';
import { augmentImages } from './augment';
import { classifierConfig, classifierSizes } from './config';
import { patchify } from './patchify';

const image: ImageBatch = {
  data: Uint8Array.from({ length: 32 }, (_, i) => i),
  count: 2,
  height: 4,
  width: 4,
  channels: 1,
};

test('windows without overlap hold every pixel once, squares of tokens together', () => {
  const config = classifierConfig({ height: 4, width: 8, channels: 1, classes: 2, stride: 1, window: 1 });
  const pixels = patchify({ ...image, count: 1, width: 8 }, config);
  // the first 2 x 2 square, then the one to its right
  expect([...pixels.subarray(0, 8)].map((x) => Math.round((x + 1) * 127.5))).toEqual([0, 1, 8, 9, 2, 3, 10, 11]);
  expect([...pixels].map((x) => Math.round((x + 1) * 127.5)).sort((a, b) => a - b)).toEqual([...image.data]);
});

test('overlapping windows are 0 outside the image, for odd sizes too', () => {
  const config = classifierConfig({ height: 4, width: 4, channels: 1, classes: 2, stride: 2, window: 4 });
  const { tokens, patch } = classifierSizes(config);
  expect([tokens, patch]).toEqual([4, 16]);
  const pixels = patchify(image, config);
  const second = Array.from(pixels.subarray(tokens * patch, (tokens + 1) * patch), (x) =>
    x === 0 ? -1 : Math.round((x + 1) * 127.5),
  );
  expect(second).toEqual([-1, -1, -1, -1, -1, 16, 17, 18, -1, 20, 21, 22, -1, 24, 25, 26]);
  const odd = classifierConfig({ height: 5, width: 3, channels: 1, classes: 2, stride: 2, window: 4 });
  expect(patchify({ ...image, height: 5, width: 3, data: image.data.slice(0, 30) }, odd)).toHaveLength(2 * 8 * 16);
});

test('augmentation: none is a copy, shifts repeat the border, half is mirrored', () => {
  expect(augmentImages(image, createGenerator(1), { shift: 0, flip: false })).toEqual(image);
  const many = { ...image, count: 64, data: Uint8Array.from({ length: 64 * 16 }, (_, i) => i % 16) };
  const flipped = augmentImages(many, createGenerator(2), { shift: 0 });
  const rows = Array.from({ length: 64 }, (_, n) => flipped.data.subarray(n * 16, n * 16 + 4).join());
  expect(new Set(rows)).toEqual(new Set(['0,1,2,3', '3,2,1,0']));
  const mirrored = rows.filter((row) => row.startsWith('3')).length;
  expect(mirrored).toBeGreaterThan(16);
  expect(mirrored).toBeLessThan(48);
  const shifted = augmentImages(many, createGenerator(3), { shift: 1, flip: false });
  const tops = new Set(Array.from({ length: 64 }, (_, n) => shifted.data.subarray(n * 16, n * 16 + 4).join()));
  expect(tops).toContain('0,0,1,2');
  expect(tops).toContain('5,6,7,7');
  expect(tops.size).toBe(6); // dy of -1 and 0 show the same first row
});
