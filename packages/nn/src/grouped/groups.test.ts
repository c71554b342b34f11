import { describe, expect, it as test } from 'vitest';
import { classGates, classPlaces, groupByName, groupPerClass, listNames, sharedGroup, validateGroups } from './groups';

describe('groups', () => {
  const groups = [
    { name: 'a', classes: [2, 0] },
    { name: 'b', classes: [1] },
  ];

  test('place every class, once computed', () => {
    const places = classPlaces(groups);
    expect([...places]).toEqual([
      [2, { group: 0, row: 0 }],
      [0, { group: 0, row: 1 }],
      [1, { group: 1, row: 0 }],
    ]);
    expect(classPlaces(groups)).toBe(places);
  });

  test('are found by name', () => {
    expect(groupByName(groups, 'b')).toBe(groups[1]);
    expect(() => groupByName(groups, 'c')).toThrow("group: expected one of 'a', 'b', got 'c'");
    expect(() => groupByName([], 'c')).toThrow('group: expected one of none');
    expect(listNames(Array.from({ length: 20 }, (_, i) => `${i}`))).toMatch(/'7', ... \(20 in all\)$/);
  });
});

describe('classes in several groups', () => {
  const groups = [
    { name: 'animals', classes: [0, 1, 4] },
    { name: 'cat', classes: [1] },
    { name: 'toys', classes: [2, 1, 4] },
  ];

  test('live in the first, and their gate has all', () => {
    expect(classPlaces(groups).get(1)).toEqual({ group: 0, row: 1 });
    expect(classPlaces(groups).get(4)).toEqual({ group: 0, row: 2 });
    expect([...classGates(groups)].map(([id, { groups: own, order }]) => [id, own, order])).toEqual([
      [0, [0], 0],
      [1, [0, 1, 2], 1],
      [4, [0, 2], 2],
      [2, [2], 3],
    ]);
    expect(classGates(groups)).toBe(classGates(groups));
  });

  test('are refused unless asked for, and always twice in one', () => {
    validateGroups(groups, { overlap: true });
    expect(() => validateGroups(groups)).toThrow("groups[1].classes: class 1 is already in group 'animals'");
    const twice = [{ name: 'a', classes: [0, 0] }];
    expect(() => validateGroups(twice, { overlap: true })).toThrow(
      "groups[0].classes: class 0 is already in group 'a'",
    );
  });
});

describe('sharedGroup and groupPerClass', () => {
  test('hold every class once', () => {
    expect(sharedGroup(3)).toEqual([{ name: 'all', classes: [0, 1, 2] }]);
    expect(groupPerClass(2)).toEqual([
      { name: 'class-0', classes: [0] },
      { name: 'class-1', classes: [1] },
    ]);
  });

  test.each([0, 1.5, Number.NaN, '3', 65537])('refuse %s classes', (classes) => {
    for (const make of [sharedGroup, groupPerClass]) expect(() => make(classes as number)).toThrow('classes: expected');
  });
});

describe('validateGroups', () => {
  const a = { name: 'a', classes: [0] };

  test('takes any classes without a bound, and no group at all', () => {
    validateGroups([]);
    validateGroups([{ name: 'a.b c', classes: [7, 900] }, a], {});
    validateGroups([{ ...a, note: 1 } as never], { fields: ['note'] });
  });

  test.each<[unknown, string]>([
    ['all', 'groups: expected an array, got all'],
    [[{ ...a, x: 1 }], 'groups[0]: expected only name, classes, got "x"'],
    [[null], 'groups[0].name: expected 1 to 200 characters, got undefined'],
    [[{ ...a, name: 'n'.repeat(201) }], 'groups[0].name: expected 1 to 200 characters'],
    [[{ ...a, name: '__proto__' }], "groups[0].name: '__proto__' is not allowed"],
    [[a, a], "groups[1].name: 'a' is used twice"],
    [[{ ...a, classes: 3 }], 'groups[0].classes: expected at least one class, got 3'],
    [[{ ...a, classes: [2] }], 'groups[0].classes: expected integers in [0, 2), got 2'],
    [[{ ...a, classes: ['1'] }], 'groups[0].classes: expected integers in [0, 2), got 1'],
    [[a, { name: 'b', classes: [1, 0] }], "groups[1].classes: class 0 is already in group 'a'"],
  ])('refuses %j', (groups, message) => {
    expect(() => validateGroups(groups as never, { classes: 2 })).toThrow(message);
  });
});
