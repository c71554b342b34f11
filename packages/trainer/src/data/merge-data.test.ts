import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classCounts } from '@learngene/datasets';
import { ConfigError, noProgress, parseConfig } from '@learngene/pipeline';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { type MergeRequest, mergeData, writeMergedData } from './merge-data';
import { openData } from './open-data';

const root = temporaryFolder('merge-data');
const folder = join(root, 'train');
/** Two sharks, a tench and two cranes. */
const WNIDS = ['n01440764', 'n01484850', 'n01491361', 'n02012849', 'n03126707'];

beforeAll(async () => {
  for (const [i, wnid] of WNIDS.entries()) {
    mkdirSync(join(folder, wnid), { recursive: true });
    const create = { width: 4, height: 4, channels: 3, background: { r: 40 * i, g: 0, b: 0 } } as const;
    for (let n = 0; n <= i; n++)
      await sharp({ create })
        .jpeg()
        .toFile(join(folder, wnid, `${wnid}_${n}.JPEG`));
  }
});

const open = (data: object) =>
  openData(parseConfig({ data: { path: folder, size: 4, ...data } }, 'test').data, noProgress);

describe('names of the classes', () => {
  test("imagenet's, by wnid, in the order of the folders", async () => {
    const { dataset, recipe } = await open({ classNames: 'imagenet' });
    expect(dataset.classes.slice(0, 2)).toEqual([
      'tench, Tinca tinca',
      'great white shark, white shark, man-eater, man-eating shark, Carcharodon carcharias',
    ]);
    expect(dataset.classes.slice(3)).toEqual(['crane (n02012849)', 'crane (n03126707)']);
    expect(recipe.classNames).toBe('imagenet');
  });
  test('those of a table are kept in the recipe', async () => {
    const table = join(root, 'names.tsv');
    writeFileSync(table, WNIDS.map((wnid, i) => `${wnid}\tname, ${i}`).join('\n'));
    const { dataset, recipe } = await open({ classNames: table });
    expect(dataset.classes).toEqual([0, 1, 2, 3, 4].map((i) => `name, ${i}`));
    expect(recipe.classNames).toMatchObject({ n01440764: 'name, 0' });
    expect((await open(recipe)).dataset.classes).toEqual(dataset.classes);
  });
  test.each<[string, object, string]>([
    ['too few', { n01440764: 'a' }, 'expected names of all classes of train, got none of "n01484850"'],
    ['one name twice', Object.fromEntries(WNIDS.map((wnid) => [wnid, 'a'])), 'expected different names, got "a" twice'],
    ['a file that is not there', 'none.tsv' as never, 'data.classNames none.tsv: the file cannot be read (ENOENT)'],
  ])('%s is refused', async (_, classNames, message) => {
    await expect(open({ classNames })).rejects.toThrow(ConfigError);
    await expect(open({ classNames })).rejects.toThrow(message);
  });
});

describe('superclasses', () => {
  test('a shipped list is a table in the recipe, of the classes as they are called', async () => {
    const { dataset, recipe } = await open({ classNames: 'imagenet', superclasses: 'learngene-606-v1' });
    expect(Object.keys(recipe.superclasses as object)).toEqual(dataset.classes);
    expect(recipe.superclasses).toMatchObject({ 'soft-finned fish': ['tench, Tinca tinca'] });
    const counts = Object.fromEntries(dataset.classes.map((name, i) => [name, classCounts(dataset)[i]]));
    expect(counts).toMatchObject({ 'soft-finned fish': 1, 'cartilaginous fish': 5 });
    const again = await open(recipe);
    expect([again.dataset.classes, [...again.dataset.labels]]).toEqual([dataset.classes, [...dataset.labels]]);
  });
  test('classes that are none of its own are refused', async () => {
    const classNames = Object.fromEntries(WNIDS.map((wnid) => [wnid, `x${wnid}`]));
    await expect(open({ classNames, superclasses: 'learngene-606-v1' })).rejects.toThrow(
      'data.superclasses learngene-606-v1: table: expected all classes of the dataset, got none of "xn01440764"',
    );
  });
});

describe('mergeData', () => {
  const merge = async (request: MergeRequest) => mergeData((await open({})).dataset, request);

  test('what it writes is read as a configuration', async () => {
    const { data, line } = await merge({ by: 'wordnet', mostLeaves: 6, pretrain: 1, seed: 3 });
    expect(line).toMatch(/^5 classes of train merged to 4, 1 to pre-train on and 3 novel; 15 of 15 images$/);
    const file = join(root, 'merged.json');
    await writeMergedData(file, data);
    const { dataset } = await open(JSON.parse(readFileSync(file, 'utf8')).data);
    expect(dataset.classes).toEqual(Object.keys(data.superclasses));
    expect([...(data.classes ?? []), ...(data.novel ?? [])].sort()).toEqual([...dataset.classes].sort());
  });
  test('a table of an own file', async () => {
    const table = join(root, 'own.tsv');
    writeFileSync(table, WNIDS.map((wnid, i) => `${wnid}\t${i < 3 ? 'fish' : 'crane'}`).join('\n'));
    const { data } = await merge({ by: table });
    expect(data).toEqual({ superclasses: { fish: WNIDS.slice(0, 3), crane: WNIDS.slice(3) } });
  });
  test.each<[string, MergeRequest, string]>([
    [
      'leaves of a list',
      { by: 'learngene-606-v1', mostLeaves: 6 },
      'mostLeaves: has no part where classes are merged by learngene',
    ],
    ['no leaves', { by: 'wordnet' }, 'mostLeaves: needed to merge by wordnet'],
    ['a draw of a list', { by: 'learngene-606-v1', pretrain: 3, seed: 0 }, 'pretrain: learngene-606-v1 says itself'],
    ['a seed alone', { by: 'wordnet', mostLeaves: 6, seed: 0 }, 'seed: has a part only where pretrain'],
    ['a draw without a seed', { by: 'wordnet', mostLeaves: 6, pretrain: 2 }, 'seed: needed for pretrain'],
    ['too many', { by: 'wordnet', mostLeaves: 6, pretrain: 4, seed: 0 }, 'expected an integer from 1 to 3, got 4'],
    ['no file', { by: 'nowhere' }, 'by nowhere: expected wordnet, learngene-606-v1 or a file'],
  ])('%s is refused', async (_, request, message) => {
    await expect(merge(request)).rejects.toThrow(ConfigError);
    await expect(merge(request)).rejects.toThrow(message);
  });
});
