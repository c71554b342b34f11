import { expect, test } from 'vitest';
import { cropOf, cropSourceSize } from './crops';

const source = { height: 9, width: 10, channels: 2 };
/** Every byte says its row (tens) and its column. */
const image = Uint8Array.from({ length: 9 * 10 * 2 }, (_, i) => 10 * Math.floor(i / 20) + (Math.floor(i / 2) % 10));
const target = { height: 8, width: 8, seed: 3 };

test('a crop is a window of the image, at a place that seed, image and crop decide', () => {
  const places = new Set<string>();
  for (let index = 0; index < 20; index++) {
    for (const crop of [1, 2]) {
      const cropped = cropOf(image, source, { ...target, index, crop });
      const [top, left] = [Math.floor(cropped[0] / 10), cropped[0] % 10];
      places.add(`${top},${left}`);
      for (let i = 0; i < cropped.length; i++) {
        const [y, x] = [Math.floor(i / 16), Math.floor(i / 2) % 8];
        expect(cropped[i]).toBe(10 * (top + y) + left + x);
      }
      expect(cropOf(image, source, { ...target, index, crop })).toEqual(cropped);
    }
  }
  expect(places).toEqual(new Set(['0,0', '0,1', '0,2', '1,0', '1,1', '1,2']));
});

test('other seeds and crops lie elsewhere', () => {
  const at = (seed: number, crop: number) =>
    Array.from({ length: 12 }, (_, index) => cropOf(image, source, { ...target, seed, index, crop })[0]).join();
  expect(new Set([at(1, 1), at(2, 1), at(1, 2)]).size).toBe(3);
});

test.each([
  [64, 72],
  [8, 9],
  [30, 34],
])('crops of %d pixels are taken from %d', (size, larger) => expect(cropSourceSize(size)).toBe(larger));
