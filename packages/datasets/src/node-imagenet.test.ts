import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { groupClasses, liftClasses, parseClassTable } from './index';
import { drawPretraining, imageNetNames, shippedSuperclasses, wordNetSuperclasses } from './node';

const names = await imageNetNames();
const wnids = [...names.keys()];

test('the 1000 classes have different names, and commas are part of a name', () => {
  expect([wnids.length, new Set(names.values()).size]).toEqual([1000, 1000]);
  expect([names.get('n01440764'), names.get('n02012849')]).toEqual(['tench, Tinca tinca', 'crane (n02012849)']);
});

describe('superclasses by WordNet', () => {
  test.each([
    [1, 1000],
    [5, 656],
    [6, 606],
    [7, 562],
  ])('at most %i classes under an ancestor give %i', async (mostLeaves, count) => {
    const table = await wordNetSuperclasses(wnids, mostLeaves);
    expect(Object.keys(table)).toHaveLength(count);
    expect(Object.values(table).flat().sort()).toEqual([...wnids].sort());
    expect(Object.values(table).every(({ length }) => length <= mostLeaves)).toBe(true);
  });

  test('the first listed parents are 558', () => {
    const lines = readFileSync(new URL('../wordnet/is_a.tsv', import.meta.url), 'utf8').split('\n');
    const first = new Map([...lines].reverse().map((line) => line.split('\t') as [string, string]));
    expect(new Set(wnids.map((wnid) => first.get(wnid))).size).toBe(558);
  });

  test('a part of the classes, by name, gets the superclasses of the whole', async () => {
    const table = await wordNetSuperclasses(['tiger shark, Galeocerdo cuvieri', 'tench, Tinca tinca'], 6);
    expect(table).toEqual({
      'soft-finned fish': ['tench, Tinca tinca'],
      'cartilaginous fish': ['tiger shark, Galeocerdo cuvieri'],
    });
    await expect(wordNetSuperclasses(['cat'], 6)).rejects.toThrow('got none of "cat"');
    await expect(wordNetSuperclasses(wnids, 0)).rejects.toThrow('mostLeaves: expected an integer of at least 1');
  });
});

test('learngene-606-v1 is what the rule and the seed give', async () => {
  const { table, pretrain } = await shippedSuperclasses('learngene-606-v1', wnids);
  expect(table).toEqual(await wordNetSuperclasses(wnids, 6));
  expect(pretrain).toEqual(drawPretraining(table, 150, 0));
  const part = await shippedSuperclasses('learngene-606-v1', [names.get(table[pretrain[3]][0]) as string]);
  expect([Object.keys(part.table), part.pretrain]).toEqual([[pretrain[3]], [pretrain[3]]]);
  await expect(shippedSuperclasses('learngene-611', wnids)).rejects.toThrow(/expected one of learngene-606-v1, got/);
  expect(() => drawPretraining(table, 606, 0)).toThrow('pretrain: expected an integer from 1 to 605, got 606');
});

describe('liftClasses', () => {
  const parents = new Map([
    ['a', ['x', 'y']],
    ['b', ['y']],
    ['c', ['y', 'x']],
    ['x', ['top']],
    ['y', ['top']],
  ]);
  test('goes by the first parent and counts by all', () => {
    const lift = (most: number) => [...liftClasses({ classes: ['a', 'b', 'c'], parents }, most).values()];
    expect([lift(1), lift(2), lift(3)]).toEqual([
      ['a', 'b', 'c'],
      ['x', 'b', 'c'],
      ['top', 'top', 'top'],
    ]);
  });
  test('a circle of parents ends', () => {
    const circle = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);
    expect([...liftClasses({ classes: ['a'], parents: circle }, 5).values()]).toEqual(['b']);
  });
});

describe('parseClassTable', () => {
  test('lines and JSON give the same table', () => {
    const table = { fish: ['tench, Tinca tinca', 'eel'], bird: ['cock'] };
    expect(parseClassTable('# ours\ntench, Tinca tinca\tfish\ncock\tbird\r\neel\tfish\n')).toEqual(table);
    expect(parseClassTable(JSON.stringify(table))).toEqual(table);
    expect(groupClasses(['cock', 'eel', 'tench, Tinca tinca'], table)[0]).toEqual({ name: 'fish', classes: [1, 2] });
  });
  test.each<[string, string, string]>([
    ['one column', 'a\tb\nc', 't: line 2: expected class, tab, superclass, got "c"'],
    ['an empty name', 'a\t', 't: line 1: expected class, tab, superclass'],
    ['nothing', '# none', 't: expected classes with their superclasses, got none'],
    ['no JSON', '{', 't: cannot be read as JSON'],
    ['no lists', '{"a": "b"}', 't: expected { superclass: [class, ...], ... }'],
  ])('%s is refused', (_, text, message) => expect(() => parseClassTable(text, 't')).toThrow(message));
});
