import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFixture } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { createBatches } from './batches';
import { DatasetFileError } from './errors';
import { cacheDataset } from './memory';
import { mergeClasses } from './merge-classes';
import { decodeImageFile, imageFiles, imageFolder } from './node';
import { selectClasses } from './select-classes';
import type { Progress } from './types';

const root = temporaryFolder('datasets');

type Pixel = readonly number[];

/** An image of one colour; 4 channels have alpha. */
async function imageFile(path: string, pixel: Pixel, side = 8): Promise<string> {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  const data = Buffer.from(Array.from({ length: side * side }, () => pixel).flat());
  const channels = pixel.length as 1 | 2 | 3 | 4;
  await sharp(data, { raw: { width: side, height: side, channels } }).toFile(file);
  return file;
}

async function folderOf(name: string, files: Record<string, Pixel>): Promise<string> {
  for (const [path, pixel] of Object.entries(files)) await imageFile(`${name}/${path}`, pixel);
  return join(root, name);
}

describe('decodeImageFile', () => {
  test('lays transparent images on white, on a colour, or leaves alpha out', async () => {
    const file = await imageFile('alpha.png', [200, 100, 0, 51]);
    const first = async (background?: readonly [number, number, number] | 'ignore') =>
      [...(await decodeImageFile(file, { size: 4, background }))].slice(0, 3);
    expect(await first()).toEqual([244, 224, 204]);
    expect(await first([0, 0, 255])).toEqual([40, 20, 204]);
    expect(await first('ignore')).toEqual([200, 100, 0]);
  });

  test('grey images become coloured ones', async () => {
    const grey = await imageFile('grey.png', [77]);
    expect([...(await decodeImageFile(grey, { size: 2 }))]).toEqual(new Array(12).fill(77));
  });

  test('a JPEG of Pillow comes out within 2 of 255 of what Pillow makes of it (0 where libjpeg is the same)', async () => {
    const { jpeg } = readFixture<{ jpeg: { file: string; size: number; pixels: string } }>(
      import.meta.url,
      '../fixtures/pillow.json',
    );
    const file = join(root, 'pillow.jpg');
    writeFileSync(file, Buffer.from(jpeg.file, 'base64'));
    const expected = Buffer.from(jpeg.pixels, 'base64');
    const pixels = await decodeImageFile(file, { size: jpeg.size });
    const worst = pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    expect(worst).toBeLessThanOrEqual(2);
  });

  test('names a file that is missing, damaged or cut off', async () => {
    const photo = join(root, 'photo.jpg');
    const noise = Buffer.from(Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7919) % 251));
    const bytes = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    writeFileSync(photo, bytes.subarray(0, bytes.length / 2));
    const text = join(root, 'text.png');
    writeFileSync(text, 'not an image');
    for (const file of [photo, text, join(root, 'missing.png')]) {
      const refusal = decodeImageFile(file, { size: 8 });
      await expect(refusal).rejects.toBeInstanceOf(DatasetFileError);
      await expect(refusal).rejects.toThrow(`${file}: expected an image that can be decoded`);
      await expect(refusal).rejects.toHaveProperty('file', file);
    }
  });
});

describe('imageFolder', () => {
  const files = {
    'b/2.png': [2, 0, 0],
    'b/10.png': [10, 0, 0],
    'B/x.PNG': [3, 0, 0],
    'a/z/0.png': [4, 0, 0],
    'a/y.png': [5, 0, 0],
  };

  test('orders classes and images as torchvision does', async () => {
    const path = await folderOf('order', { ...files, '\u{1f600}/1.png': [6, 0, 0], '\uff5e/1.png': [7, 0, 0] });
    writeFileSync(join(path, 'readme.txt'), 'no class');
    writeFileSync(join(path, 'a', 'notes.txt'), 'no image');
    const data = await imageFolder(path, { size: 4 });
    expect(data.classes).toEqual(['B', 'a', 'b', '\uff5e', '\u{1f600}']);
    const images = await data.read(data.labels.map((_, i) => i));
    expect(Array.from({ length: data.size }, (_, i) => images[i * 48])).toEqual([3, 5, 4, 10, 2, 7, 6]);
    expect([...data.labels]).toEqual([0, 1, 1, 2, 2, 3, 4]);
    expect([data.name, data.height, data.width, data.channels, data.skipped]).toEqual(['order', 4, 4, 3, []]);
  });

  test('passes over hidden files, leftovers and what is no image, and lists them', async () => {
    const path = await folderOf('leftovers', { 'a/1.png': [1, 0, 0], 'b/1.png': [2, 0, 0] });
    const one = await imageFile('leftovers/loose.png', [3, 0, 0]);
    for (const folder of ['.ipynb_checkpoints', '__MACOSX', '.git', 'a/.ipynb_checkpoints', 'a/__MACOSX']) {
      await imageFile(`leftovers/${folder}/1.png`, [4, 0, 0]);
    }
    await imageFile('leftovers/a/x.png', [5, 0, 0]);
    for (const name of ['a/._x.png', 'a/Thumbs.db', 'b/.DS_Store', 'b/notes.txt']) writeFileSync(join(path, name), 'x');
    symlinkSync(join(path, 'nowhere'), join(path, 'b', 'gone.png'));
    const data = await imageFolder(path, { size: 4, cache: true });
    expect(data.classes).toEqual(['a', 'b']);
    expect(data.files.map((file) => file.slice(path.length + 1))).toEqual(['a/1.png', 'a/x.png', 'b/1.png']);
    const reasons = Object.fromEntries(data.ignored.map((entry) => [entry.path.slice(path.length + 1), entry.reason]));
    expect(one).toBe(join(path, 'loose.png'));
    expect(reasons).toEqual({
      '.git': 'hidden',
      '.ipynb_checkpoints': 'hidden',
      'a/.ipynb_checkpoints': 'hidden',
      'a/._x.png': 'hidden',
      'b/.DS_Store': 'hidden',
      __MACOSX: 'left by a file manager',
      'a/__MACOSX': 'left by a file manager',
      'a/Thumbs.db': 'left by a file manager',
      'b/gone.png': 'a broken link',
      'b/notes.txt': 'no image by its ending',
      'loose.png': 'in no class folder',
    });
  });

  test('a cached view leaves unreadable images out where told to, and only those', async () => {
    const path = await folderOf('partly', { 'a/1.png': [1, 0, 0], 'a/3.png': [3, 0, 0], 'b/4.png': [4, 0, 0] });
    writeFileSync(join(path, 'a', '2.png'), 'no image');
    const view = selectClasses(await imageFolder(path, { size: 4 }), ['b', 'a']);
    await expect(cacheDataset(view)).rejects.toThrow(/2\.png: expected an image/);
    const seen: Progress[] = [];
    const cached = await cacheDataset(view, { onCorrupt: 'skip', onProgress: (progress) => seen.push(progress) });
    expect([...cached.labels]).toEqual([1, 1, 0]);
    const images = await cached.read([0, 1, 2]);
    expect([images[0], images[48], images[96]]).toEqual([1, 3, 4]);
    expect(cached.skipped).toEqual([{ file: join(path, 'a', '2.png'), reason: expect.stringContaining('2.png') }]);
    expect(seen.at(-1)).toEqual({ done: 4, total: 4 });
    const broken = { ...view, read: () => Promise.reject(new Error('a disk that fails')) };
    await expect(cacheDataset(broken, { onCorrupt: 'skip' })).rejects.toThrow('a disk that fails');
  });

  test('names of classes are NFC, found in both spellings, and refused where a folder has each', async () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    const path = await folderOf('spelling', { [`${decomposed}/1.png`]: [1, 0, 0], 'z/1.png': [2, 0, 0] });
    const data = await imageFolder(path, { size: 4 });
    expect(data.classes).toEqual([composed, 'z']);
    expect(await data.read([0])).toHaveLength(48);
    for (const name of [composed, decomposed]) {
      expect(selectClasses(data, [name]).size).toBe(1);
      expect(mergeClasses(data, { all: [name, 'z'] }).size).toBe(2);
    }
    expect(() => selectClasses(data, [composed, decomposed])).toThrow('every class once');
    await imageFile(`spelling/${composed}/1.png`, [3, 0, 0]);
    await expect(imageFolder(path, { size: 4 })).rejects.toThrow("two of Unicode's spellings");
  });

  test('follows links, and does not go round in circles', async () => {
    const path = await folderOf('links', { 'a/1.png': [1, 0, 0] });
    symlinkSync(path, join(path, 'a', 'up'));
    symlinkSync(join(path, 'a'), join(path, 'a', 'self'));
    symlinkSync(join(path, 'nowhere'), join(path, 'a', 'broken.png'));
    symlinkSync(join(path, 'a', '1.png'), join(path, 'a', '2.png'));
    const data = await imageFolder(join(root, 'links'), { size: 4 });
    expect(data.files.filter((file) => !file.includes('up')).map((file) => file.slice(path.length))).toEqual([
      '/a/1.png',
      '/a/2.png',
    ]);
  });

  test('the cached dataset is the lazy one', async () => {
    const path = await folderOf('cached', files);
    const seen: Progress[] = [];
    const lazy = await imageFolder(path, { size: 4 });
    const cached = await imageFolder(path, { size: 4, cache: true, onProgress: (progress) => seen.push(progress) });
    expect(await cached.read([4, 0])).toEqual(await lazy.read([4, 0]));
    expect([cached.labels, cached.files, cached.classes]).toEqual([lazy.labels, lazy.files, lazy.classes]);
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5]);
    const batch = await createBatches(lazy, { batchSize: 5, seed: 0 }).next();
    expect(batch.images).toEqual(await cached.read(batch.indices));
  });

  test('a damaged image is an error that names it, or is skipped and counted', async () => {
    const path = await folderOf('damaged', files);
    const bad = join(path, 'b', '15.png');
    writeFileSync(bad, 'x');
    const data = await imageFolder(path, { size: 4 });
    await expect(data.read([4])).rejects.toThrow(bad);
    await expect(imageFolder(path, { size: 4, cache: true })).rejects.toThrow(bad);
    for (const cache of [false, true]) {
      const rest = await imageFolder(path, { size: 4, onCorrupt: 'skip', cache });
      expect([rest.size, rest.skipped.map(({ file }) => file)]).toEqual([5, [bad]]);
      expect(rest.skipped[0].reason).toContain('expected an image');
      expect([...(await rest.read([3, 4]))].filter((_, i) => i % 48 === 0)).toEqual([10, 2]);
    }
  });

  test('stops at the signal', async () => {
    const path = await folderOf('stopped', files);
    const control = new AbortController();
    const onProgress = () => control.abort(new Error('enough'));
    await expect(imageFolder(path, { size: 4, cache: true, signal: control.signal, onProgress })).rejects.toThrow(
      'enough',
    );
  });

  test('refuses folders without classes or without images', async () => {
    const path = await folderOf('bare', { 'a/1.png': [1, 0, 0] });
    mkdirSync(join(path, 'empty'));
    await expect(imageFolder(join(root, 'none'), { size: 4 })).rejects.toThrow(
      /none: expected a folder that can be read/,
    );
    await expect(imageFolder(join(path, 'empty'), { size: 4 })).rejects.toThrow(
      /empty: expected a folder for every class/,
    );
    await expect(imageFolder(path, { size: 4 })).rejects.toThrow(/empty: expected images \(\.jpg .*got none/);
    expect((await imageFolder(path, { size: 4, allowEmpty: true })).classes).toEqual(['a', 'empty']);
    await expect(imageFolder(path, { size: 0 })).rejects.toThrow(/^size: .*got 0|expected images/);
    const files = [join(path, 'a', '1.png')];
    await expect(imageFiles({ files, labels: [0, 0], classes: ['a'] }, { size: 4 })).rejects.toThrow(
      /^labels: expected 1, got 2/,
    );
  });
});
