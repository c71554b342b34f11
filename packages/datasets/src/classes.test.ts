import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tinyDataset } from '../test/tiny-dataset';
import { holdOut } from './hold-out';
import { cacheDataset, inMemoryDataset } from './memory';
import { type ClassTable, groupClasses, mergeClasses } from './merge-classes';
import { selectClasses, splitClasses } from './select-classes';
import { classCounts, subset } from './subset';
import type { ImageDataset, Progress } from './types';

const animals = ['cat', 'dog', 'eel', 'fox'];
const sample = () => tinyDataset([0, 1, 2, 3, 0, 1, 2, 0, 0], animals);

/** The indices into the tiny dataset that a part of it holds: pixel 0 of every image. */
async function origins(part: ImageDataset): Promise<number[]> {
  const images = await part.read(Array.from({ length: part.size }, (_, i) => i));
  return Array.from({ length: part.size }, (_, i) => images[i * 12]);
}

const datasets = fc
  .array(fc.nat(3), { minLength: 8, maxLength: 40 })
  .map((labels) => tinyDataset([...labels, 0, 0, 1, 1, 2, 2, 3, 3], animals));

describe('selectClasses', () => {
  test('keeps the images of the classes, labelled in the order given', async () => {
    const part = selectClasses(sample(), ['eel', 'cat']);
    expect(part.classes).toEqual(['eel', 'cat']);
    expect(await origins(part)).toEqual([0, 2, 4, 6, 7, 8]);
    expect([...part.labels]).toEqual([1, 0, 1, 0, 1, 1]);
    expect(selectClasses(sample(), [2, 0]).labels).toEqual(part.labels);
  });
  test.each<[(string | number)[], RegExp]>([
    [['cow'], /^classes: expected classes of tiny \("cat", "dog", "eel", "fox"\), got "cow"/],
    [[4], /^classes: .*got 4/],
    [['cat', 0], /^classes: expected every class once, got "cat" twice/],
  ])('refuses %j', (classes, message) => {
    expect(() => selectClasses(sample(), classes)).toThrow(message);
  });
});

describe('splitClasses', () => {
  test('the parts are disjoint, cover everything and keep the names', async () => {
    await fc.assert(
      fc.asyncProperty(datasets, fc.integer({ min: 1, max: 3 }), fc.nat(), async (data, novel, seed) => {
        const parts = splitClasses(data, { novel, seed });
        expect(parts.novel.classes).toHaveLength(novel);
        expect([...parts.pretrain.classes, ...parts.novel.classes].sort()).toEqual(animals);
        const all = [...(await origins(parts.pretrain)), ...(await origins(parts.novel))];
        expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: data.size }, (_, i) => i));
        for (const part of [parts.pretrain, parts.novel]) {
          const names = (await origins(part)).map((index) => data.classes[data.labels[index]]);
          expect(names).toEqual(Array.from(part.labels, (label) => part.classes[label]));
        }
        expect(splitClasses(data, { novel, seed }).novel.classes).toEqual(parts.novel.classes);
      }),
      { numRuns: 40 },
    );
  });
  test('takes names, in the order of the dataset', () => {
    const { pretrain, novel } = splitClasses(sample(), { novel: ['fox', 'dog'] });
    expect([pretrain.classes, novel.classes]).toEqual([
      ['cat', 'eel'],
      ['dog', 'fox'],
    ]);
  });
  test('refuses an empty side and a draw without a seed', () => {
    expect(() => splitClasses(sample(), { novel: 4, seed: 0 })).toThrow(
      /^novel: expected an integer from 1 to 3, got 4/,
    );
    expect(() => splitClasses(sample(), { novel: [] })).toThrow(/^novel: .*got 0/);
    expect(() => splitClasses(sample(), { novel: 1 })).toThrow(/^seed: expected a seed/);
    expect(() => splitClasses(sample(), { novel: ['cow'] })).toThrow(/^novel: .*got "cow"/);
  });
});

describe('holdOut', () => {
  test('the parts are disjoint, cover everything and hold as much of every class as asked', async () => {
    const amount = fc.oneof(
      fc.constant({ perClass: 1 }),
      fc.constantFrom(0.2, 0.5).map((fraction) => ({ fraction })),
    );
    await fc.assert(
      fc.asyncProperty(datasets, amount, fc.nat(), async (data, options, seed) => {
        const { train, heldOut } = holdOut(data, { ...options, seed });
        const all = [...(await origins(train)), ...(await origins(heldOut))];
        expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: data.size }, (_, i) => i));
        const counts = classCounts(data);
        classCounts(heldOut).forEach((count, label) => {
          expect(count).toBe('perClass' in options ? 1 : Math.round(options.fraction * counts[label]));
        });
      }),
      { numRuns: 40 },
    );
  });
  test('what is held out of a class does not depend on the other classes', async () => {
    const whole = tinyDataset([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], ['cat', 'dog', 'eel']);
    const part = selectClasses(whole, ['eel', 'dog']);
    const dogs = async (data: ImageDataset) =>
      origins(selectClasses(holdOut(data, { perClass: 2, seed: 5 }).heldOut, ['dog']));
    expect(await dogs(part)).toEqual(await dogs(whole));
  });
  test.each<[Parameters<typeof holdOut>[1], RegExp]>([
    [{ seed: 0 }, /^perClass, fraction: expected one of them, got none/],
    [{ seed: 0, perClass: 1, fraction: 0.5 }, /^perClass, fraction: .*got both/],
    [{ seed: 0, fraction: 1 }, /^fraction: expected above 0 and below 1, got 1/],
    [{ seed: 0, perClass: 1 }, /^perClass: expected less than class "fox" has, 1, got 1/],
  ])('refuses %j', (options, message) => {
    expect(() => holdOut(sample(), options)).toThrow(message);
  });
});

describe('mergeClasses', () => {
  const table: ClassTable = { water: ['eel'], land: ['fox', 'cat', 'dog'] };
  test('keeps counts, images and order', async () => {
    const merged = mergeClasses(sample(), table);
    expect(merged.classes).toEqual(['water', 'land']);
    expect([...classCounts(merged)]).toEqual([2, 7]);
    expect(await origins(merged)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(groupClasses(animals, table)).toEqual([
      { name: 'water', classes: [2] },
      { name: 'land', classes: [0, 1, 3] },
    ]);
  });
  test('any rule: the count of a superclass is the sum over its classes', () => {
    fc.assert(
      fc.property(
        datasets,
        fc.array(fc.constantFrom('x', 'y', null), { minLength: 4, maxLength: 4 }),
        (data, names) => {
          const merged = mergeClasses(data, (_, label) => names[label]);
          const counts = classCounts(data);
          classCounts(merged).forEach((count, i) => {
            const members = names.map((name, label) => (name === merged.classes[i] ? counts[label] : 0));
            expect(count).toBe(members.reduce((sum, n) => sum + n, 0));
          });
          expect(merged.size).toBe([...data.labels].filter((label) => names[label] !== null).length);
        },
      ),
      { numRuns: 40 },
    );
  });
  test('drops classes that the table does not name only where asked', () => {
    const part: ClassTable = { pets: ['cat', 'dog'] };
    expect(() => mergeClasses(sample(), part)).toThrow(
      /^table: expected all 4 classes of the dataset, got none of "eel", "fox"/,
    );
    expect([...classCounts(mergeClasses(sample(), part, { missing: 'drop' }))]).toEqual([6]);
  });
  test.each<[ClassTable, RegExp]>([
    [{ ...table, air: ['owl'] }, /^table: expected classes of the dataset .*got "owl" in "air"/],
    [{ ...table, pets: ['cat'] }, /^table: expected every class once, got "cat" in "land" and in "pets"/],
    [{ ...table, air: [] }, /^table: expected classes for "air", got none/],
  ])('refuses %j', (wrong, message) => {
    expect(() => mergeClasses(sample(), wrong)).toThrow(message);
  });
});

describe('inMemoryDataset, subset, cacheDataset', () => {
  test('a read is the caller’s own', async () => {
    const data = sample();
    const first = await data.read([3, 0, 3]);
    first.fill(9);
    expect([...(await data.read([3]))]).toEqual([3, 0, 3, 1, 3, 2, 3, 0, 3, 1, 3, 2]);
    expect(await data.read([])).toEqual(new Uint8Array());
  });
  test('subsets of subsets lead back to the images', async () => {
    const part = subset(subset(sample(), [8, 6, 4, 2]), [3, 0, 0], { name: 'part' });
    expect(await origins(part)).toEqual([2, 8, 8]);
    expect([part.name, part.size, [...part.labels]]).toEqual(['part', 3, [2, 0, 0]]);
    await expect(part.read([3])).rejects.toThrow(/^indices: expected integers from 0 to 2 \(part\), got 3 at 0/);
  });
  test('a cached dataset is the same dataset, read once', async () => {
    const data = tinyDataset(
      Array.from({ length: 150 }, (_, i) => i % 4),
      animals,
    );
    let reads = 0;
    const seen: Progress[] = [];
    const cached = await cacheDataset(
      { ...data, read: (indices) => data.read(indices).finally(() => reads++) },
      { onProgress: (progress) => seen.push(progress) },
    );
    expect(await cached.read([149, 3])).toEqual(await data.read([149, 3]));
    expect(cached.labels).toEqual(data.labels);
    expect(reads).toBe(3);
    expect(seen.at(-1)).toEqual({ done: 150, total: 150 });
  });
  test('caching stops at the signal and at the limit', async () => {
    await expect(cacheDataset(sample(), { maxBytes: 100 })).rejects.toThrow(
      /^dataset: expected at most 100 bytes .*got 108/,
    );
    await expect(cacheDataset(sample(), { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
  });
  const images = new Uint8Array(12);
  const base = { name: 'x', images, labels: [0], height: 2, width: 2, channels: 3, classes: ['a'] };
  test.each<[Partial<typeof base>, RegExp]>([
    [{ height: 0 }, /^height: .*got 0/],
    [{ labels: [0, 0] }, /^images: expected 2 x 2 x 2 x 3 bytes .*got 12/],
    [{ labels: [1] }, /^labels: expected numbers from 0 to 0, got 1 at 0/],
    [{ classes: ['a', 'a'] }, /^classes: expected different names, got "a" twice/],
  ])('refuses %j', (wrong, message) => {
    expect(() => inMemoryDataset({ ...base, ...wrong })).toThrow(message);
  });
  test('refuses labels of another length', () => {
    expect(() => subset(sample(), [0, 1], { labels: [0] })).toThrow(/^labels: expected 2, got 1/);
    expect(() => subset(sample(), [0, 9.5])).toThrow(/^indices: .*got 9.5 at 1/);
  });
});
