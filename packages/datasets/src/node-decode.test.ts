import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFixture } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { centerCrop } from './center-crop';
import { decodeImageFile } from './node';

const root = temporaryFolder('datasets-decode');

interface DecodedImage {
  name: string;
  file: string;
  height: number;
  width: number;
  pixels: string;
}
const { pictures: images, refused } = readFixture<{
  pictures: DecodedImage[];
  refused: Pick<DecodedImage, 'name' | 'file'>[];
}>(import.meta.url, '../fixtures/pictures.json');

function written({ name, file }: Pick<DecodedImage, 'name' | 'file'>): string {
  const path = join(root, name);
  writeFileSync(path, Buffer.from(file, 'base64'));
  return path;
}

describe('every kind of image', () => {
  // libjpeg and mozjpeg may round an inverse DCT differently by one.
  test.each(images)('$name as Pillow reads it', async (image) => {
    const { name, width, height, pixels } = image;
    const size = Math.min(width, height);
    const expected = centerCrop({ data: Buffer.from(pixels, 'base64'), width, height, channels: 3 }, size);
    const found = await decodeImageFile(written(image), { size });
    const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    expect(worst).toBeLessThanOrEqual(name.endsWith('.jpg') ? 1 : 0);
  });

  test('16-bit grey: the upper byte', async () => {
    const values = Uint16Array.from({ length: 16 }, (_, i) => i * 4369);
    const file = join(root, 'grey-16.png');
    const raw = { width: 4, height: 4, channels: 1 } as const;
    await sharp(values, { raw }).toColourspace('grey16').png().toFile(file);
    const found = await decodeImageFile(file, { size: 4 });
    expect(Array.from({ length: 16 }, (_, i) => found[i * 3])).toEqual(Array.from(values, (v) => v >> 8));
  });

  test.each<[string, RegExp]>([
    ['float.tif', /expected samples of 8 or 16 bits, got float/],
    ['integers.tif', /expected samples of 8 or 16 bits, got int/],
    ['ycbcr.tif', /expected a TIFF of RGB, CMYK or grey samples, got YCbCr/],
    ['without-end.jpg', /premature end/i],
    ['half.jpg', /premature end/i],
    ['half.png', /expected an image that can be decoded/],
    ['restart-damaged.jpg', /it is cut off or damaged \(/],
  ])('%s is refused', async (name, message) => {
    const file = refused.find((one) => one.name === name);
    if (file === undefined) throw new Error(`no fixture ${name}`);
    const refusal = decodeImageFile(written(file), { size: 4 });
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toHaveProperty('isImage', true);
  });

  test('a scan whose codes are damaged is refused, not repaired', async () => {
    const whole = Buffer.from(images.find(({ name }) => name === 'turned-1.jpg')?.file ?? '', 'base64');
    const scan = whole.indexOf(Buffer.from([0xff, 0xda])) + 20;
    const damaged = Buffer.concat([whole.subarray(0, scan), Buffer.from([0xff, 0xd9])]);
    const file = written({ name: 'damaged.jpg', file: damaged.toString('base64') });
    await expect(decodeImageFile(file, { size: 4 })).rejects.toThrow(/expected an image that can be decoded/);
  });

  test('of many files decoded at once, each is blamed for its own damage alone', async () => {
    const files = Object.fromEntries([...images, ...refused].map((image) => [image.name, written(image)] as const));
    const stray = images.filter(({ name }) => name.startsWith('stray'));
    expect(stray).toHaveLength(3);
    const bad = ['half.jpg', 'without-end.jpg', 'half.png'];
    const names = Array.from({ length: 40 }, () => [...stray.map(({ name }) => name), ...bad]).flat();
    const results = await Promise.allSettled(names.map((name) => decodeImageFile(files[name], { size: 4 })));
    const alone = new Map<string, string>();
    for (const name of bad) {
      const refusal = decodeImageFile(files[name], { size: 4 });
      alone.set(name, await refusal.then(String, ({ message }: Error) => message));
      expect(alone.get(name)).toMatch(/: it is cut off or damaged \([^\n]+\)$/);
    }
    for (const [i, result] of results.entries()) {
      const message = result.status === 'rejected' ? (result.reason as Error).message : undefined;
      expect(message, names[i]).toBe(alone.get(names[i]));
    }
  });

  test('is turned by its EXIF tag, unless told not to be', async () => {
    const image = images.find(({ name }) => name === 'turned-6.png') as DecodedImage;
    const lying = await decodeImageFile(written(image), { size: 6, autoOrient: false });
    const upright = await decodeImageFile(written(image), { size: 6 });
    // Six columns stand there as six rows, from the last row of the file to the first.
    expect(Array.from(lying)).not.toEqual(Array.from(upright));
    const at = (image: Uint8Array, y: number, x: number) =>
      Array.from(image.subarray((y * 6 + x) * 3, (y * 6 + x) * 3 + 3));
    for (let y = 0; y < 6; y++) for (let x = 0; x < 6; x++) expect(at(upright, y, x)).toEqual(at(lying, 5 - x, y));
  });
});
