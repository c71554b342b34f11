import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { classCounts, type ImageDataset } from '@learngene/datasets';
import { ConfigError, noProgress, parseConfig } from '@learngene/pipeline';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { balanceClasses } from './balance-classes';
import { decodeData, partOf } from './decode-data';
import { chooseClasses, openData, pretrainingClasses } from './open-data';

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
  test('gives every class as many images as the largest has', async () => {
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
    ['an unknown novel class', { novel: ['x'] }, 'data.novel: test has no class "x"; it has "a", "b", "c, d"'],
    ['a class on both sides', { classes: ['a'], novel: ['a'] }, 'cannot be both'],
    ['none left', { novel: ['a', 'b', 'c, d'] }, 'no class is left'],
  ])('%s is refused', (_, data, message) => {
    expect(() => pretrainingClasses(all, configOf(data).data)).toThrow(ConfigError);
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
  test('holds out the same images of a class whatever else is chosen; a single image is trained on', () => {
    const config = configOf({ holdOut: 0.5 });
    const { train, heldOut } = partOf(all, ['a', 'b', 'c, d'], config);
    expect([...classCounts(train)]).toEqual([2, 1, 1]);
    expect([...classCounts(heldOut)]).toEqual([2, 0, 1]);
    expect(partOf(all, ['a'], config).heldOut.size).toBe(2);
  });
  test('nothing held out at 0, refused at 1 and for an empty class', () => {
    expect(partOf(all, ['a'], configOf({ holdOut: 0 })).heldOut.size).toBe(0);
    expect(() => partOf(all, ['a'], configOf({ holdOut: 1 }))).toThrow('expected below 1');
    expect(() => partOf(dataset(0), ['b'], configOf({}))).toThrow('expected images, got none');
  });
});

test('leftovers are said, classes without images are left out with a warning', async () => {
  const path = mkdtempSync(join(tmpdir(), 'learngene-folder-'));
  try {
    for (const folder of ['a', 'b, c', 'empty', '.ipynb_checkpoints']) mkdirSync(join(path, folder));
    for (const file of ['a/1.png', 'b, c/1.png']) await sharp(Buffer.alloc(48), raw).png().toFile(join(path, file));
    writeFileSync(join(path, 'a', '._1.png'), 'left by another system');
    const said: string[] = [];
    const output = {
      ...noProgress,
      info: said.push.bind(said),
      warn: said.push.bind(said),
    };
    const { dataset, recipe } = await openData(configOf({ source: 'folder', path, size: 4 }).data, output as never);
    expect(dataset.classes).toEqual(['a', 'b, c']);
    expect((await decodeData(dataset, recipe, output as never)).size).toBe(2);
    expect(said).toEqual([
      `Passed over 2 that are no data: ${join(path, '.ipynb_checkpoints')} (hidden), ${join(path, 'a', '._1.png')} (hidden)`,
      `${basename(path)}: classes without images are left out: "empty"`,
    ]);
    rmSync(join(path, 'a'), { recursive: true });
    rmSync(join(path, 'b, c'), { recursive: true });
    await expect(openData(configOf({ source: 'folder', path }).data, output as never)).rejects.toThrow(
      'expected images, got none in the classes',
    );
  } finally {
    rmSync(path, { recursive: true });
  }
});

test('sources of files need a path', async () => {
  const output = noProgress;
  for (const source of ['folder', 'idx', 'cifar10', 'cifar100', 'packed']) {
    await expect(openData(configOf({ source }).data, output)).rejects.toThrow(
      `data.path: needed for data.source ${source}`,
    );
  }
});

describe('recipes', () => {
  const output = noProgress;
  test('there are no data by default', async () => {
    await expect(openData(configOf({}).data, output)).rejects.toThrow('data: no data given');
  });

  test('a path is made absolute, its kind detected and said, the table of superclasses kept inside', async () => {
    const path = mkdtempSync(join(tmpdir(), 'learngene-recipe-'));
    const before = process.cwd();
    try {
      mkdirSync(join(path, 'photos', 'a'), { recursive: true });
      mkdirSync(join(path, 'photos', 'b'));
      for (const name of ['a', 'b'])
        await sharp(Buffer.alloc(48), raw)
          .png()
          .toFile(join(path, 'photos', name, '1.png'));
      writeFileSync(join(path, 'table.json'), '{"all": ["a", "b"]}');
      process.chdir(path);
      const here = process.cwd();
      const said: string[] = [];
      const telling = { ...output, info: said.push.bind(said) } as never;
      const { dataset, recipe } = await openData(
        configOf({ path: 'photos', superclasses: 'table.json' }).data,
        telling,
      );
      expect(dataset.classes).toEqual(['all']);
      expect(said).toEqual([`Data: a folder of class folders (2 folders) in ${join(here, 'photos')}`]);
      expect(recipe).toMatchObject({
        source: 'folder',
        path: join(here, 'photos'),
        size: 32,
        superclasses: { all: ['a', 'b'] },
      });
      process.chdir(before);
      expect((await openData(configOf(recipe).data, output)).dataset.size).toBe(2);
    } finally {
      process.chdir(before);
      rmSync(path, { recursive: true });
    }
  });

  test('an image that cannot be read is named with the way out, or left out', async () => {
    const path = mkdtempSync(join(tmpdir(), 'learngene-corrupt-'));
    try {
      for (const name of ['a', 'b']) mkdirSync(join(path, name));
      await sharp(Buffer.alloc(48), raw)
        .png()
        .toFile(join(path, 'a', '1.png'));
      writeFileSync(join(path, 'a', '2.png'), 'no image');
      const { dataset, recipe } = await openData(configOf({ path }).data, output);
      await expect(decodeData(dataset, recipe, output)).rejects.toEqual(
        expect.objectContaining({ message: expect.stringMatching(/2\.png: /), code: 'image-unreadable' }),
      );
      expect((await decodeData(dataset, { ...recipe, onCorrupt: 'skip' }, output)).size).toBe(1);
      writeFileSync(join(path, 'b', '1.png'), 'no image');
      const both = await openData(configOf({ path, onCorrupt: 'skip' }).data, output);
      await expect(decodeData(both.dataset, both.recipe, output)).rejects.toThrow('no image can be read of "b"');
    } finally {
      rmSync(path, { recursive: true });
    }
  });
});

test.each<[string, string, string]>([
  ['idx', 'coarse', 'data.variant: coarse is one of data.source cifar100, not of idx'],
  ['cifar10', 'fine', 'data.variant: fine is one of data.source cifar100, not of cifar10'],
  ['cifar100', 'letters', 'data.variant: letters is one of data.source idx (a set of EMNIST), not of cifar100'],
])('%s has no variant %s', async (source, variant, message) => {
  const { data } = configOf({ source, variant, path: tmpdir() });
  await expect(openData(data, noProgress)).rejects.toThrow(message);
});

test('shards leave out no image: what is decoded in the training cannot be skipped before', async () => {
  const { data } = configOf({ source: 'webdataset', path: 'train-{0..1}.tar', onCorrupt: 'skip' });
  await expect(openData(data, noProgress)).rejects.toThrow(
    'data.onCorrupt: images of shards are decoded in the training',
  );
});
