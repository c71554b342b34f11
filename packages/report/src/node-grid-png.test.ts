import sharp from 'sharp';
import { expect, test } from 'vitest';
import { imageGrid } from './image-grid';
import { gridPng } from './node-grid-png';

test('is the grid of images, without loss', async () => {
  const data = Uint8Array.from({ length: 5 * 9 * 7 * 3 }, (_, i) => (i * 89) % 256);
  const images = { data, count: 5, height: 9, width: 7, channels: 3 };
  const png = await sharp(await gridPng(images, 3))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const grid = imageGrid(images, 3);
  expect(png.info).toMatchObject({ width: grid.width, height: grid.height, channels: 3 });
  expect(Buffer.compare(png.data, Buffer.from(grid.data))).toBe(0);
});
