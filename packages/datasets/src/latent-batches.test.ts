import { describe, expect, test } from 'vitest';
import { createBatches, createLatentBatches } from './batches';
import { concatDatasets } from './concat';
import { DatasetFileError } from './errors';
import { holdOut } from './hold-out';
import { cacheDataset, inMemoryDataset } from './memory';
import { mergeClasses } from './merge-classes';
import { selectClasses } from './select-classes';
import { subset } from './subset';
import type { ImageDataset, LatentRows } from './types';

const size = 20;
const plain = inMemoryDataset({
  name: 'numbers',
  classes: ['a', 'b', 'c'],
  height: 1,
  width: 1,
  channels: 1,
  images: Uint8Array.from({ length: size }, (_, i) => i),
  labels: Int32Array.from({ length: size }, (_, i) => i % 3),
});

/** Latents that say which image, crop and flip they are of. */
function rows(crops: number, mirrored = true): LatentRows {
  return {
    height: 1,
    width: 1,
    channels: 3,
    crops,
    mirrored,
    hasDeviation: false,
    async read(indices, views) {
      const each = Array.from(indices, (index, i) => [index, views.crops[i], views.flips[i]]);
      return Float32Array.from(each.flat());
    },
  };
}

const withRows = (crops: number, mirrored = true): ImageDataset => ({ ...plain, latents: rows(crops, mirrored) });
const options = { batchSize: 7, seed: 5, flip: true };

async function follow(
  data: ImageDataset,
  batches: number,
  state?: ReturnType<ReturnType<typeof createBatches>['state']>,
) {
  const maker = createLatentBatches(data, { ...options, ...(state && { state }) });
  const seen = [];
  for (let i = 0; i < batches; i++) seen.push(await maker.next());
  const end = maker.state();
  maker.close();
  return { seen, end };
}

describe('batches of latents', () => {
  test('come in the order and with the flips of batches of images', async () => {
    const images = createBatches(plain, { ...options });
    const { seen } = await follow(withRows(1), 9);
    for (const { latents, labels, indices, epoch } of seen) {
      const batch = await images.next();
      expect([...labels]).toEqual([...batch.labels]);
      expect([...indices]).toEqual([...batch.indices]);
      expect(epoch).toBe(batch.epoch);
      expect(Array.from(batch.images)).toEqual(Array.from({ length: 7 }, (_, i) => latents[3 * i]));
    }
    images.close();
    const flips = seen.flatMap(({ latents }) => Array.from({ length: 7 }, (_, i) => latents[3 * i + 2]));
    expect(new Set(flips)).toEqual(new Set([0, 1]));
    expect(seen.some(({ latents }) => latents.some((value, i) => i % 3 === 1 && value !== 0))).toBe(false);
  });

  test('draw every crop of an image, anew in every epoch, and go on from their state', async () => {
    const { seen } = await follow(withRows(4), 60);
    const crops = new Map<number, Set<number>>();
    for (const { latents } of seen) {
      for (let i = 0; i < 7; i++)
        crops.set(latents[3 * i], (crops.get(latents[3 * i]) ?? new Set()).add(latents[3 * i + 1]));
    }
    expect([...crops.values()].every((own) => own.size === 4)).toBe(true);
    const first = await follow(withRows(4), 25);
    const rest = await follow(withRows(4), 35, JSON.parse(JSON.stringify(first.end)));
    expect(rest.seen).toEqual(seen.slice(25));
  });

  test('need latents, of mirrored images too where these are asked for', () => {
    expect(() => createLatentBatches(plain, options)).toThrow('dataset: expected latents of the images of numbers');
    expect(() => createLatentBatches(withRows(1, false), options)).toThrow('flip: expected latents of mirrored images');
    createLatentBatches(withRows(1, false), { ...options, flip: false }).close();
  });
});

test.each<[string, (data: ImageDataset) => ImageDataset]>([
  ['a subset', (data) => subset(data, [5, 3, 11])],
  ['some classes', (data) => selectClasses(data, ['c', 'a'])],
  ['merged classes', (data) => mergeClasses(data, { ac: ['a', 'c'], b: ['b'] })],
  ['what is left to train on', (data) => holdOut(data, { fraction: 0.3, seed: 1 }).train],
  ['a part of a part', (data) => subset(selectClasses(data, ['b']), [4, 0])],
])('%s keeps the latents of its images', async (_, part) => {
  const own = part(withRows(2));
  const all = Array.from({ length: own.size }, (_, i) => i);
  const images = await own.read(all);
  const latents = (await own.latents?.read(all, {
    crops: all.map(() => 1),
    flips: all.map((i) => i % 2),
  })) as Float32Array;
  expect(all.map((i) => latents[3 * i])).toEqual([...images]);
  expect(all.map((i) => latents[3 * i + 2])).toEqual(all.map((i) => i % 2));
  await expect(own.latents?.read([own.size], { crops: [0], flips: [0] })).rejects.toThrow(RangeError);
});

describe('datasets made of one with latents', () => {
  test('a copy in memory keeps the latents of the images that are left', async () => {
    const broken: ImageDataset = {
      ...withRows(1),
      read: async (indices) => {
        if (Array.from(indices).includes(1)) throw new DatasetFileError('1.png', 'broken', { isImage: true });
        return plain.read(indices);
      },
    };
    const copy = await cacheDataset(broken, { onCorrupt: 'skip' });
    expect([copy.size, copy.latents?.crops]).toEqual([size - 1, 1]);
    const views = { crops: Int32Array.of(0, 0), flips: Uint8Array.of(0, 1) };
    expect([...((await copy.latents?.read([1, 3], views)) ?? [])]).toEqual([2, 0, 0, 4, 0, 1]);
    expect((await cacheDataset(plain)).latents).toBeUndefined();
  });

  test('they are not put together with others', () => {
    expect(() => concatDatasets([plain, withRows(1)])).toThrow('numbers: expected a dataset without latents');
  });
});
