import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { classCounts, type ImageDataset } from '@learngene/datasets';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../cli/errors';
import { createOutput } from '../cli/output';
import { parseConfig } from '../config/load';
import { balanceClasses, chooseClasses, openDataset, partOf, pretrainingClasses } from './open-data';

function dataset(...labels: number[]): ImageDataset {
  return {
    name: 'test',
    size: labels.length,
    height: 2,
    width: 2,
    channels: 1,
    classes: ['a', 'b', 'c, d'],
    labels: Int32Array.from(labels),
    read: async (indices) => Uint8Array.from({ length: indices.length * 4 }, (_, i) => indices[Math.floor(i / 4)]),
  };
}
const raw = { raw: { width: 4, height: 4, channels: 3 } } as const;
const configOf = (data: object) => parseConfig({ data }, 'test');

describe('balanceClasses', () => {
  test('gives every class as many pictures as the largest has', async () => {
    const balanced = balanceClasses(dataset(0, 1, 1, 1, 2, 2));
    expect([...classCounts(balanced)]).toEqual([3, 3, 3]);
    const pixels = await balanced.read([0, 1, 2, 3, 6, 7, 8]);
    expect(Array.from({ length: 7 }, (_, i) => pixels[i * 4])).toEqual([0, 0, 0, 1, 4, 5, 4]);
  });
  test('leaves empty classes empty', () => expect([...classCounts(balanceClasses(dataset(1, 1)))]).toEqual([0, 2, 0]));
});

describe('classes', () => {
  const all = dataset(0, 1, 2);
  test('all but the novel ones, or those that are named', () => {
    expect(pretrainingClasses(all, configOf({ novel: ['b'] }).data)).toEqual(['a', 'c, d']);
    expect(pretrainingClasses(all, configOf({ classes: ['c, d'] }).data)).toEqual(['c, d']);
  });
  test.each<[string, object, string]>([
    ['an unknown novel class', { novel: ['x'] }, 'novel: test has no class "x"; it has "a", "b", "c, d"'],
    ['a class on both sides', { classes: ['a'], novel: ['a'] }, 'cannot be both'],
    ['none left', { novel: ['a', 'b', 'c, d'] }, 'no class is left'],
  ])('%s is refused', (_, data, message) => {
    expect(() => pretrainingClasses(all, configOf(data).data)).toThrow(UsageError);
    expect(() => pretrainingClasses(all, configOf(data).data)).toThrow(message);
  });
  test.each<[string, string[], string]>([
    ['unknown', ['x'], 'test has no class "x"; it has "a", "b", "c, d"'],
    ['twice', ['a', 'a'], 'each class once'],
    ['none', [], 'at least one class'],
  ])('chosen classes: %s', (_, names, message) => expect(() => chooseClasses(all, names)).toThrow(message));
});

describe('partOf', () => {
  const all = dataset(0, 0, 0, 0, 1, 2, 2);
  test('holds out the same pictures of a class whatever else is chosen; a single picture is trained on', () => {
    const config = configOf({ holdOut: 0.5 });
    const { train, heldOut } = partOf(all, ['a', 'b', 'c, d'], config);
    expect([...classCounts(train)]).toEqual([2, 1, 1]);
    expect([...classCounts(heldOut)]).toEqual([2, 0, 1]);
    expect(partOf(all, ['a'], config).heldOut.size).toBe(2);
  });
  test('nothing held out at 0, refused at 1 and for an empty class', () => {
    expect(partOf(all, ['a'], configOf({ holdOut: 0 })).heldOut.size).toBe(0);
    expect(() => partOf(all, ['a'], configOf({ holdOut: 1 }))).toThrow('expected below 1');
    expect(() => partOf(dataset(0), ['b'], configOf({}))).toThrow('expected pictures, got none');
  });
});

test('leftovers are said, classes without pictures are left out with a warning', async () => {
  const path = mkdtempSync(join(tmpdir(), 'learngene-folder-'));
  try {
    for (const folder of ['a', 'b, c', 'empty', '.ipynb_checkpoints']) mkdirSync(join(path, folder));
    for (const file of ['a/1.png', 'b, c/1.png']) await sharp(Buffer.alloc(48), raw).png().toFile(join(path, file));
    writeFileSync(join(path, 'a', '._1.png'), 'left by another system');
    const said: string[] = [];
    const output = {
      ...createOutput({ json: false, quiet: true }),
      info: said.push.bind(said),
      warn: said.push.bind(said),
    };
    const opened = await openDataset(configOf({ source: 'folder', path, size: 4 }).data, output as never);
    expect(opened.classes).toEqual(['a', 'b, c']);
    expect(said).toEqual([
      `Passed over 2 that are no data: ${join(path, '.ipynb_checkpoints')} (hidden), ${join(path, 'a', '._1.png')} (hidden)`,
      `${basename(path)}: classes without pictures are left out: "empty"`,
    ]);
    rmSync(join(path, 'a'), { recursive: true });
    rmSync(join(path, 'b, c'), { recursive: true });
    await expect(openDataset(configOf({ source: 'folder', path }).data, output as never)).rejects.toThrow(
      'expected pictures, got none in the classes',
    );
  } finally {
    rmSync(path, { recursive: true });
  }
});

test('sources of files need a path', async () => {
  const output = createOutput({ json: false, quiet: true });
  for (const source of ['folder', 'idx', 'cifar10', 'cifar100', 'packed']) {
    await expect(openDataset(configOf({ source }).data, output)).rejects.toThrow(
      `data.path: needed for data.source ${source}`,
    );
  }
});
