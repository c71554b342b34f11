import fc from 'fast-check';
import { describe, expect, it as test } from 'vitest';
import { gateOrder, opensGate } from './gate';
import { planBatch } from './group-batch';

const groups = [
  { name: 'x', classes: [2, 0] },
  { name: 'y', classes: [3] },
];
const options = { groups, nullLabel: 4, droppedKeepGroup: false };

describe('planBatch', () => {
  test('puts the samples of a group next to each other, none first, and can be undone', () => {
    const samples = fc.array(fc.tuple(fc.constantFrom(0, 2, 3, 4), fc.boolean()), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(samples, fc.boolean(), fc.constantFrom(undefined, 1), (batch, droppedKeepGroup, nullGroup) => {
        const labels = Int32Array.from(batch, ([label]) => label);
        const dropped = batch.map(([, flag]) => flag);
        const plan = planBatch(labels, { ...options, droppedKeepGroup, dropped, ...(nullGroup && { nullGroup }) });
        const gateOf = (i: number) => {
          if (labels[i] === 4) return nullGroup ?? -1;
          return dropped[i] && !droppedKeepGroup ? -1 : groups.findIndex((g) => g.classes.includes(labels[i]));
        };
        const order = plan.order ?? Int32Array.from(labels.keys());
        expect([...order].sort((a, b) => a - b)).toEqual([...labels.keys()]);
        if (plan.inverse) expect(Array.from(order, (from) => plan.inverse![from])).toEqual([...labels.keys()]);
        expect([...plan.gates]).toEqual(Array.from(order, gateOf));
        expect([...plan.classes]).toEqual(Array.from(order, (i) => labels[i]));
        expect([...plan.labels]).toEqual(Array.from(order, (i) => (dropped[i] ? 4 : labels[i])));
        const covered = plan.segments.flatMap(({ start, end, group }) =>
          Array.from({ length: end - start }, () => groups.findIndex((g) => g.name === group)),
        );
        expect(covered).toEqual([...plan.gates]);
        expect(new Set(plan.segments.map(({ group }) => group)).size).toBe(plan.segments.length);
        expect(plan.activeGroups).toEqual(groups.map((g) => g.name).filter((_, i) => plan.gates.includes(i)));
        if (plan.order) expect([...plan.gates]).toEqual([...plan.gates].sort((a, b) => a - b));
      }),
    );
  });

  test('puts the samples of the same groups next to each other where classes are in several', () => {
    const several = [
      { name: 'a', classes: [0, 1] },
      { name: 'b', classes: [1, 2] },
    ];
    const plan = planBatch(Int32Array.of(2, 1, 0, 3, 1), { groups: several, nullLabel: 3, droppedKeepGroup: false });
    expect([...plan.labels]).toEqual([3, 0, 1, 1, 2]);
    expect([...plan.gates]).toEqual([-1, 0, 0, 0, 1]);
    expect(plan.segments).toEqual([
      { start: 0, end: 1, group: null, groups: [] },
      { start: 1, end: 2, group: 'a', groups: ['a'] },
      { start: 2, end: 4, group: 'a', groups: ['a', 'b'] },
      { start: 4, end: 5, group: 'b', groups: ['b'] },
    ]);
    const alone = planBatch(Int32Array.of(1, 1), { groups: several, nullLabel: 3, droppedKeepGroup: false });
    expect([alone.order, alone.activeGroups]).toEqual([undefined, ['a', 'b']]);
  });

  test.each<[() => unknown, string]>([
    [() => planBatch(new Int32Array(0), options), 'labels: expected an Int32Array of at least one label, got an empty'],
    [() => planBatch(Int32Array.of(5), options), 'labels[0]: expected a class in [0, 4], got 5'],
    [() => planBatch(Int32Array.of(1), options), 'labels[0]: class 1 is in no group'],
    [() => planBatch(Int32Array.of(0), { ...options, dropped: [] }), 'dropped: expected 1 flags, got 0'],
    [() => planBatch(Int32Array.of(0), { ...options, drop: [1] } as never), "got 'drop'"],
  ])('%# refuses what it cannot plan', (act, message) => expect(act).toThrow(message));
});

describe('gateOrder', () => {
  const labels = Int32Array.of(3, 0, 2, 0);

  test('puts samples without a group first, then classes in order, stable', () => {
    const order = (dropped: number[], droppedKeepGroup: boolean) => [
      ...gateOrder(labels, dropped, { droppedKeepGroup }),
    ];
    expect(order([0, 0, 0, 0], false)).toEqual([1, 3, 2, 0]);
    expect(order([1, 0, 0, 1], false)).toEqual([0, 3, 1, 2]);
    expect(order([1, 0, 0, 1], true)).toEqual([1, 3, 2, 0]);
    expect([opensGate(1, { droppedKeepGroup: false }), opensGate(undefined, { droppedKeepGroup: false })]).toEqual([
      false,
      true,
    ]);
  });
});
