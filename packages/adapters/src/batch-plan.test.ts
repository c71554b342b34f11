import { type ClassGroup, groupPerClass, sharedGroup } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { adapterBatchPlan } from './batch-plan';

beforeAll(useTestBackend);

describe('adapterBatchPlan', () => {
  const group = (name: string, classes: number[]): ClassGroup => ({ name, classes });

  test('covers every batch in runs of one adapter and can be undone', () => {
    const cases = fc.record({
      labels: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
      dropped: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      nullGate: fc.constantFrom('base' as const, 'own-class' as const),
      groups: fc.constantFrom(sharedGroup(4), groupPerClass(4), [group('x', [2, 0]), group('y', [3, 1])]),
    });
    fc.assert(
      fc.property(cases, ({ labels, dropped, nullGate, groups }) => {
        const flags = dropped.slice(0, labels.length);
        const plan = adapterBatchPlan(Int32Array.from(labels), { groups, nullGate }, flags);
        const order = plan.order ?? Int32Array.from(labels.keys());
        expect([...order].sort((a, b) => a - b)).toEqual([...labels.keys()]);
        expect(Array.from(order, (from) => (plan.inverse ?? order)[from])).toEqual([...labels.keys()]);
        expect(plan.segments[0].start).toBe(0);
        expect(plan.segments.at(-1)!.end).toBe(labels.length);
        expect(new Set(plan.segments.map((s) => s.group)).size).toBe(plan.segments.length);
        for (const { start, end, group: name } of plan.segments) {
          for (let i = start; i < end; i++) {
            const [label, isDropped] = [labels[order[i]], flags[order[i]]];
            const own = groups.find((g) => g.classes.includes(label))?.name;
            const none = groups.length === 1 && nullGate === 'own-class' ? groups[0].name : null;
            expect(name).toBe(label === 4 ? none : isDropped && nullGate === 'base' ? null : own);
            expect(plan.labels[i]).toBe(isDropped ? 4 : label);
          }
        }
        const active = plan.segments.flatMap((s) => (s.group === null ? [] : [s.group]));
        expect([...plan.activeGroups].sort()).toEqual(active.sort());
      }),
    );
  });

  test.each([
    [
      () => adapterBatchPlan(new Int32Array(0), { groups: sharedGroup(2), nullGate: 'base' }),
      'labels: expected an Int32Array',
    ],
    [
      () => adapterBatchPlan(Int32Array.of(0), { groups: sharedGroup(2), nullGate: 'base' }, [0, 1]),
      'dropped: expected 1 flags, got 2',
    ],
    [
      () => adapterBatchPlan(Int32Array.of(3), { groups: sharedGroup(2), nullGate: 'base' }),
      'labels[0]: expected a class in [0, 2]',
    ],
  ])('%#', (act, message) => expect(act).toThrow(message));
});
