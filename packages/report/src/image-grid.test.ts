import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { gridPng } from './image-grid';

async function decode(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return {
    ...info,
    at: (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * info.channels, (y * info.width + x) * info.channels + 3),
    ],
  };
}

describe('gridPng', () => {
  test('puts every pixel of every picture in its place, on white', async () => {
    const [count, size] = [3, 32];
    const data = new Uint8Array(count * size * size * 3).map((_, i) => (i * 131) % 256);
    const grid = await decode(await gridPng({ data, count, height: size, width: size, channels: 3 }, 2));
    const scale = 2;
    expect([grid.width, grid.height]).toEqual([scale * (2 * 34 + 2), scale * (2 * 34 + 2)]);
    for (let n = 0; n < count; n++) {
      for (const [x, y] of [
        [0, 0],
        [31, 0],
        [5, 17],
        [31, 31],
      ]) {
        const from = ((n * size + y) * size + x) * 3;
        const [left, top] = [2 + (n % 2) * 34 + x, 2 + Math.floor(n / 2) * 34 + y];
        for (const corner of [0, scale - 1])
          expect(grid.at(left * scale + corner, top * scale + corner)).toEqual([...data.subarray(from, from + 3)]);
      }
    }
    expect(grid.at(0, 0)).toEqual([255, 255, 255]);
    expect(grid.at(grid.width - 5, grid.height - 5)).toEqual([255, 255, 255]);
  });
  test('grey pictures are grey', async () => {
    const grid = await decode(
      await gridPng({ data: Uint8Array.of(9, 200, 30, 40), count: 1, height: 2, width: 2, channels: 1 }, 1),
    );
    expect([grid.at(2 * 32, 2 * 32), grid.at(3 * 32, 2 * 32), grid.at(2 * 32, 3 * 32)]).toEqual([
      [9, 9, 9],
      [200, 200, 200],
      [30, 30, 30],
    ]);
  });
});
