import { describe, expect, test } from 'vitest';
import { imageGrid } from './image-grid';
import type { Images } from './images';

/** The colour of a pixel of an RGB image. */
const at = ({ data, width }: Images, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** Images whose bytes all differ from their neighbours'. */
function images(count: number, size: number, channels: number): Images {
  const data = Uint8Array.from({ length: count * size * size * channels }, (_, i) => (i * 131) % 256);
  return { data, count, height: size, width: size, channels };
}

describe('imageGrid', () => {
  test('puts every pixel of every image in its place, enlarged, on white', () => {
    const [count, size, scale] = [3, 32, 2];
    const three = images(count, size, 3);
    const grid = imageGrid(three, 2);
    expect(grid).toMatchObject({ count: 1, height: scale * (2 * 34 + 2), width: scale * (2 * 34 + 2), channels: 3 });
    const expected = new Uint8Array(grid.height * grid.width * 3).fill(255);
    for (let n = 0; n < count; n++) {
      for (let y = 0; y < size * scale; y++) {
        for (let x = 0; x < size * scale; x++) {
          const from = ((n * size + Math.floor(y / scale)) * size + Math.floor(x / scale)) * 3;
          const left = scale * (2 + (n % 2) * 34) + x;
          const top = scale * (2 + Math.floor(n / 2) * 34) + y;
          expected.set(three.data.subarray(from, from + 3), (top * grid.width + left) * 3);
        }
      }
    }
    expect(Buffer.compare(Buffer.from(grid.data), Buffer.from(expected))).toBe(0);
  });

  test('grey images are grey; of more channels than three the first three count', () => {
    const grey = imageGrid({ data: Uint8Array.of(9, 200, 30, 40), count: 1, height: 2, width: 2, channels: 1 }, 1);
    expect([at(grey, 64, 64), at(grey, 96, 64), at(grey, 64, 96)]).toEqual([
      [9, 9, 9],
      [200, 200, 200],
      [30, 30, 30],
    ]);
    const rgba = imageGrid({ data: Uint8Array.of(1, 2, 3, 4), count: 1, height: 1, width: 1, channels: 4 }, 1);
    expect(at(rgba, 2 * 64, 2 * 64)).toEqual([1, 2, 3]);
  });

  test.each([
    [1, 64],
    [32, 2],
    [48, 1],
    [64, 1],
    [200, 1],
  ])('enlarges %i pixels by %i', (size, scale) => {
    expect(imageGrid(images(1, size, 1), 1).width).toBe((size + 4) * scale);
  });

  test('of no image is white', () => {
    expect(new Set(imageGrid(images(0, 8, 1), 4).data)).toEqual(new Set([255]));
  });

  test.each<[string, Partial<Images>, number, string]>([
    ['no column', {}, 0, 'columns: expected a whole number of at least 1, got 0'],
    ['half a column', {}, 1.5, 'columns: expected a whole number of at least 1, got 1.5'],
    ['two channels', { channels: 2 }, 1, 'images.channels: expected 1 (grey) or at least 3 (RGB first), got 2'],
    ['a width of none', { width: 0 }, 1, 'images.width: expected a whole number of at least 1, got 0'],
    ['missing bytes', { count: 3 }, 1, 'images.data: expected 12 bytes for [3, 2, 2, 1], got 8'],
  ])('refuses %s', (_, change, columns, message) => {
    expect(() => imageGrid({ ...images(2, 2, 1), ...change }, columns)).toThrow(message);
  });
});
