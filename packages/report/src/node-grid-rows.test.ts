import sharp from 'sharp';
import { expect, test } from 'vitest';
import { gridPng } from './node-grid-png';
import { gridRows } from './node-grid-rows';

// Six images of 3x2 pixels in rows of two; image n has the grey value 40 n.
const [count, height, width] = [6, 2, 3];
const data = Uint8Array.from({ length: count * height * width }, (_, i) => 40 * Math.floor(i / (height * width)));
const images = { data, count, height, width, channels: 1 };

test('the rows of a grid are grids of themselves', async () => {
  const png = await gridPng(images, 2);
  const pixels = (file: Uint8Array) => sharp(file).raw().toBuffer();
  for (const take of [1, 2]) {
    const rows = await gridRows(png, { width, height, columns: 2, take });
    expect(rows).toHaveLength(3);
    for (const [n, row] of rows.entries()) {
      const own = data.slice(2 * n * 6, (2 * n + take) * 6);
      const alone = await gridPng({ ...images, data: own, count: take }, take);
      expect((await pixels(row)).equals(await pixels(alone))).toBe(true);
    }
  }
});

test('sizes that do not fit are refused', async () => {
  const png = await gridPng(images, 2);
  await expect(gridRows(png, { width: 4, height, columns: 2 })).rejects.toThrow(
    'png: expected a grid of 2 images of 4x2 pixels a row, got',
  );
  await expect(gridRows(png, { width, height, columns: 2, take: 3 })).rejects.toThrow(
    'options.take: expected a whole number from 1 to 2, got 3',
  );
});
