import { expect, test } from 'vitest';
import { GROUPS, tinyConfig } from '../test/tiny';
import { kindBatchPlan } from './batch-plan';

const config = tinyConfig();
const plan = (labels: number[], dropped?: boolean[]) => kindBatchPlan(Int32Array.from(labels), config, dropped);

test('leaves a batch whose groups are neighbours in place', () => {
  const { order, segments, activeGroups } = plan([1, 1, 3, 0, 5]);
  expect(order).toBeUndefined();
  expect(segments).toEqual([
    { start: 0, end: 2, group: 'cars 1.5', groups: ['cars 1.5'] },
    { start: 2, end: 4, group: 'pets', groups: ['pets'] },
    { start: 4, end: 5, group: null, groups: [] },
  ]);
  expect(activeGroups).toEqual(['pets', 'cars 1.5']); // in the order of the config
});

test('orders any other by group, learngenes first, stable within a group', () => {
  const { order, inverse, segments, labels, classes } = plan([4, 3, 5, 0, 4]);
  expect([...order!]).toEqual([2, 1, 3, 0, 4]);
  expect(order!.map((_, i) => order![inverse![i]])).toEqual(Int32Array.of(0, 1, 2, 3, 4));
  expect(segments.map(({ group }) => group)).toEqual([null, 'pets', 'trees']);
  expect([...labels]).toEqual([5, 3, 0, 4, 4]);
  expect([...classes]).toEqual([...labels]);
});

test('gives a dropped label the null embedding, and the gate that nullGate says', () => {
  const flags = [false, true, true];
  const agnostic = plan([3, 1, 1], flags);
  expect([...agnostic.labels]).toEqual([3, 5, 5]);
  expect([...agnostic.classes]).toEqual([3, 1, 1]);
  expect(agnostic.segments.map(({ group }) => group)).toEqual(['pets', null]);
  const own = kindBatchPlan(Int32Array.of(3, 1, 1), tinyConfig({ nullGate: 'own-class' }), flags);
  expect(own.segments.map(({ group }) => group)).toEqual(['pets', 'cars 1.5']);
  expect([...own.labels]).toEqual([3, 5, 5]);
});

test('rejects what it cannot plan', () => {
  expect(() => plan([])).toThrow('labels: expected an Int32Array of at least one label, got an empty one');
  expect(() => kindBatchPlan([1] as unknown as Int32Array, config)).toThrow('got Array');
  expect(() => kindBatchPlan(null as unknown as Int32Array, config)).toThrow('got null');
  expect(() => plan([1], [true, false])).toThrow('dropped: expected 1 flags, got 2');
  expect(() => plan([-1])).toThrow('labels[0]: expected a class in [0, 5], got -1');
  const partial = tinyConfig({ groups: GROUPS.slice(1) });
  expect(() => kindBatchPlan(Int32Array.of(0), partial)).toThrow('labels[0]: class 0 is in no group');
});
