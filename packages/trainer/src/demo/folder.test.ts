import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { expect, test } from 'vitest';
import { demoFolderState, prepareDemoFolder } from './folder';
import { PIXEL_PLAN } from './plans';

/** Black images of 2x2 pixels, so many of each class. */
function datasetOf(counts: Record<string, number>): ImageDataset {
  const labels = Int32Array.from(Object.values(counts).flatMap((count, label) => Array(count).fill(label)));
  const shape = { height: 2, width: 2, channels: 3 };
  return {
    ...shape,
    name: 'test',
    size: labels.length,
    classes: Object.keys(counts),
    labels,
    read: async (indices) => new Uint8Array(indices.length * 12),
  };
}

const folder = () => join(mkdtempSync(join(tmpdir(), 'learngene-demo-')), 'out');

test('an interrupted demo of the same plan and seed continues, any other is replaced with leave alone', async () => {
  const out = folder();
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 })).toBe(false);
  await mkdir(join(out, 'pretrain'));
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 })).toBe(true);
  expect(existsSync(join(out, 'pretrain'))).toBe(true);
  await expect(prepareDemoFolder(out, PIXEL_PLAN, { seed: 1 })).rejects.toThrow('holds a demo of other settings');
  expect(existsSync(join(out, 'pretrain'))).toBe(true);
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 1, replace: true })).toBe(false);
  expect(existsSync(join(out, 'pretrain'))).toBe(false);
});

test('leave to replace clears a finished demo, and deletes only what a demo writes', async () => {
  const out = folder();
  await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 });
  writeFileSync(join(out, 'report.html'), '');
  writeFileSync(join(out, 'notes.txt'), 'mine');
  await expect(prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 })).rejects.toThrow(
    'holds a finished demo, which may not be replaced',
  );
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0, replace: true })).toBe(false);
  expect(existsSync(join(out, 'report.html'))).toBe(false);
  expect(existsSync(join(out, 'notes.txt'))).toBe(true);
});

test('a folder that is not a demo is refused and left alone', async () => {
  const out = folder();
  await mkdir(out);
  writeFileSync(join(out, 'photo.png'), 'mine');
  await expect(prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 })).rejects.toThrow('got one that holds photo.png');
  expect(existsSync(join(out, 'photo.png'))).toBe(true);
});

test('a demo that ended before its first stage is in the way of no other', async () => {
  const out = folder();
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 })).toBe(false);
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 1 })).toBe(false);
  await mkdir(join(out, 'pretrain'));
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 1 })).toBe(true);
});

test('an interrupted demo of other images is a different one, and says how they differ', async () => {
  const out = folder();
  const images = datasetOf({ cat: 3, dog: 2 });
  await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0, images });
  await mkdir(join(out, 'pretrain'));
  expect(await demoFolderState(out, PIXEL_PLAN, 0, images)).toEqual({ state: 'interrupted' });
  expect(await demoFolderState(out, PIXEL_PLAN, 0)).toEqual({ state: 'interrupted' });
  const more = datasetOf({ cat: 4, dog: 2 });
  await expect(prepareDemoFolder(out, PIXEL_PLAN, { seed: 0, images: more })).rejects.toMatchObject({
    message: expect.stringMatching(/holds a demo of other images \("cat" has 4 images, had 3\), which may not be/),
    code: 'demo-exists',
  });
  expect(existsSync(join(out, 'pretrain'))).toBe(true);
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0, images: more, replace: true })).toBe(false);
  expect(existsSync(join(out, 'pretrain'))).toBe(false);
  await mkdir(join(out, 'pretrain'));
  expect(await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0, images: more })).toBe(true);
});

test('the mark of an older version, which has no images, is known, and a damaged one is that of another demo', async () => {
  const out = folder();
  await mkdir(join(out, 'pretrain'), { recursive: true });
  writeFileSync(join(out, 'demo.json'), `${JSON.stringify({ format: 1, seed: 0, plan: PIXEL_PLAN })}\n`);
  expect(await demoFolderState(out, PIXEL_PLAN, 0, datasetOf({ cat: 1 }))).toEqual({ state: 'interrupted' });
  writeFileSync(join(out, 'demo.json'), '{"format":');
  expect(await demoFolderState(out, PIXEL_PLAN, 0)).toEqual({ state: 'different' });
});

test('what a folder is to a demo', async () => {
  const out = folder();
  expect(await demoFolderState(out, PIXEL_PLAN, 0)).toEqual({ state: 'new' });
  await prepareDemoFolder(out, PIXEL_PLAN, { seed: 0 });
  // Its mark alone: it ended before its first stage did, and there is nothing to keep.
  for (const seed of [0, 1]) expect(await demoFolderState(out, PIXEL_PLAN, seed)).toEqual({ state: 'new' });
  await mkdir(join(out, 'pretrain'));
  expect(await demoFolderState(out, PIXEL_PLAN, 0)).toEqual({ state: 'interrupted' });
  expect(await demoFolderState(out, PIXEL_PLAN, 1)).toEqual({ state: 'different' });
  writeFileSync(join(out, 'report.html'), '');
  expect(await demoFolderState(out, PIXEL_PLAN, 0)).toEqual({ state: 'finished' });
});
