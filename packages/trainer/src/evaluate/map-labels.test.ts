import { expect, test } from 'vitest';
import { mapLabels } from './map-labels';

test.each([
  ['by name, in another order', [0, 1, 1], ['a', 'b'], ['c', 'b', 'a'], { labels: Int32Array.of(2, 1, 1) }],
  ['a class that no sample has may be unknown', [0, 0], ['a', 'x'], ['a', 'b'], { labels: Int32Array.of(0, 0) }],
  ['an unknown class', [0, 1], ['a', 'x'], ['a', 'b'], { why: 'the classifier has no class "x"' }],
  ['no labels', undefined, ['a'], ['a'], { why: 'the samples have no labels' }],
  ['no names', [0], undefined, ['a', 'b'], { why: expect.stringContaining('samples do not name') }],
  ['no names of the classifier', [0], ['a'], undefined, { why: expect.stringContaining('classifier does not name') }],
])('labels are mapped: %s', (_, labels, names, classes, expected) => {
  expect(mapLabels({ labels, names }, classes)).toEqual(expected);
});
