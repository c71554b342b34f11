import { expect, test } from 'vitest';
import { nearestWord } from './nearest-word';

test.each<[string, string | undefined]>([
  ['DIT-l/2', 'DiT-L/2'],
  ['DiT-L/3', 'DiT-L/2'],
  ['fodler', 'folder'],
  ['banana', undefined],
  ['nothing', undefined],
  ['x', undefined],
  ['', undefined],
])('the word near %j is %j', (word, expected) => {
  expect(nearestWord(word, ['DiT-S/2', 'DiT-L/2', 'idx', 'folder', 'packed', 'ax'])).toBe(expected);
});

test('no words, no nearest', () => expect(nearestWord('a', [])).toBeUndefined());
