import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byGroupName, groupToKey } from './tailor-groups';

const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('g0', 'g1', '%670', '.', '%', 'a.b', 'a%2Eb', '10'));
const groupsOf = (names: readonly string[]) => names.map((text, id) => ({ name: text, classes: [id] }));
const names = fc.uniqueArray(
  name.filter((text) => text !== '__proto__'),
  { minLength: 1, maxLength: 8 },
);

test('writes a name without a dot, every name another way, and never as a place', () => {
  expect(['cars 1.5', '50%', 'g0', 'g', 'g1x'].map(groupToKey)).toEqual(['cars 1%2E5', '50%25', '%670', 'g', 'g1x']);
  fc.assert(
    fc.property(names, (all) => {
      const keys = all.map(groupToKey);
      expect(new Set(keys).size).toBe(all.length);
      for (const key of keys) expect(key).not.toMatch(/\.|^g\d+$/);
    }),
  );
});

test('finds groups by their names, and by their places in files of format 1', () => {
  fc.assert(
    fc.property(names, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (all, isThere) => {
      const present = all.map((text, place) => [text, place] as const).filter((_, place) => isThere[place]);
      const expected = Object.fromEntries(present);
      const named = Object.fromEntries(present.map(([text, place]) => [groupToKey(text), place]));
      const placed = Object.fromEntries(present.map(([, place]) => [`g${place}`, place]));
      for (const keyed of [named, placed]) expect(byGroupName(keyed, groupsOf(all))).toEqual(expected);
    }),
  );
});
