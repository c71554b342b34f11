import { inMemoryDataset } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { transferClasses } from './transfer-classes';

const dataset = inMemoryDataset({
  name: 'birds',
  images: new Uint8Array(4),
  labels: [0, 1, 2, 3],
  classes: ['crow', 'jay', 'owl', 'wren'],
  height: 1,
  width: 1,
  channels: 1,
});
const known = ['crow', 'jay'];

test.each<[string, { named?: string[]; novel?: string[] }, string[], RegExp | undefined]>([
  ['those that the recipe keeps out and the data have', { novel: ['wren', 'gone'] }, ['wren'], undefined],
  ['those named', { named: ['owl'], novel: ['wren'] }, ['owl'], undefined],
  ['those named that the base knows', { named: ['owl', 'jay'], novel: [] }, ['owl', 'jay'], /the base knows "jay"/],
  ['all of other data', {}, ['crow', 'jay', 'owl', 'wren'], /the base knows "crow", "jay" already/],
])('a transfer takes %s', (_, choice, expected, warning) => {
  const warned: string[] = [];
  const output = { warn: (text: string) => warned.push(text) } as unknown as Progress;
  expect(transferClasses(dataset, { ...choice, known }, output)).toEqual(expected);
  expect(warned).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
});

test('a recipe that keeps no class out: wrong usage, with the classes that the base does not know', () => {
  const choose = (of: string[]) => () => transferClasses(dataset, { known: of, novel: [] }, {} as Progress);
  expect(choose(known)).toThrow(/^classes: expected the classes to teach.*does not know are "owl", "wren"$/);
  expect(choose([...dataset.classes])).toThrow(/the base knows all classes of the data/);
});
