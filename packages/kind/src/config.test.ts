import { ditConfig } from '@learngene/dit';
import { describe, expect, test } from 'vitest';
import { type KindConfigInput, kindConfig, validateKindConfig } from './config';
import type { TailorGroup } from './tailor-groups';

const dit = ditConfig({ inputSize: 4, patchSize: 2, hiddenSize: 8, depth: 1, heads: 2, classes: 3 });
const input = { dit, learngeneRank: 2, tailorRank: 1 };

/** A value that the types forbid. */
const wrong = (fields: object) => ({ ...input, ...fields }) as KindConfigInput;

describe('kindConfig', () => {
  test('gives every class a group of its own by default', () => {
    expect(kindConfig(input)).toEqual({
      ...input,
      groups: [0, 1, 2].map((id) => ({ name: `class-${id}`, classes: [id] })),
      gate: 'binary',
      nullGate: 'learngenes',
      pruned: false,
    });
  });

  test.each([
    [{ dit: null }, 'dit: expected a DitConfig, got null'],
    [{ dit: { ...dit, heads: 3 } }, 'hiddenSize: expected a multiple of heads 3, got 8'],
    [{ dit: { ...dit, depth: 2147483647 } }, 'depth: expected at most 4096, got 2147483647'],
    [{ dit: { ...dit, classes: 2147483647 } }, 'classes: expected at most 65536, got 2147483647'],
    [
      { dit: { ...dit, hiddenSize: 1024, depth: 64, classes: 4096 }, learngeneRank: 64, tailorRank: 64 },
      'config: expected at most 34359738368 parameters, got 309825124384 (4096 groups, learngeneRank 64, tailorRank 64)',
    ],
    [{ learngeneRank: Number.NaN }, 'learngeneRank: expected a positive integer, got NaN'],
    [{ tailorRank: -1 }, 'tailorRank: expected a positive integer, got -1'],
    [{ tailorRank: 2 ** 60 }, 'tailorRank: expected a positive integer, got 1152921504606847000'],
    [{ learngeneRank: 0 }, 'learngeneRank: expected a positive integer, got 0'],
    [{ tailorRank: 1.5 }, 'tailorRank: expected a positive integer, got 1.5'],
    [{ gate: 'hard' }, 'gate: expected binary or soft, got hard'],
    [{ nullGate: 'none' }, 'nullGate: expected learngenes or own-class, got none'],
    [{ pruned: 1 }, 'pruned: expected a boolean, got 1'],
    [{ gate: 'soft', groups: [] }, 'groups: a soft gate needs at least one'],
    [{ rank: 3 }, "config: expected only dit, learngeneRank, tailorRank, groups, gate, nullGate, pruned, got 'rank'"],
    [{ groups: null }, 'groups: expected a value or nothing, got null'],
    [{ gate: null }, 'gate: expected a value or nothing, got null'],
    [{ nullGate: null }, 'nullGate: expected a value or nothing, got null'],
    [{ pruned: null }, 'pruned: expected a value or nothing, got null'],
    [{ groups: 'all' }, 'groups: expected an array, got all'],
    [
      { groups: [{ name: 'a', classes: [0], learngeneRank: 4 }] },
      'groups[0]: expected only name, classes, classNames, tailorRank, got "learngeneRank"',
    ],
    [{ groups: [null] }, 'groups[0].name: expected 1 to 200 characters, got undefined'],
    [{ groups: [{ name: '', classes: [0] }] }, 'groups[0].name: expected 1 to 200 characters, got ""'],
    [{ groups: [{ name: '__proto__', classes: [0] }] }, "groups[0].name: '__proto__' is not allowed"],
    [{ groups: [{ name: 'a', classes: [] }] }, 'groups[0].classes: expected at least one class, got []'],
    [{ groups: [{ name: 'a', classes: [3] }] }, 'groups[0].classes: expected integers in [0, 3), got 3'],
    [{ groups: [{ name: 'a', classes: [0], classNames: [1] }] }, 'groups[0].classNames: expected strings, got [1]'],
    [{ groups: [{ name: 'a', classes: [0], classNames: [] }] }, 'groups[0].classNames: expected 1 names, got 0'],
  ])('refuses %j', (fields, message) => {
    expect(() => kindConfig(wrong(fields))).toThrow(message);
  });

  test('refuses a name that comes twice, a class that is twice in a group, and a class of two names', () => {
    const a: TailorGroup = { name: 'a', classes: [0] };
    expect(() => kindConfig({ ...input, groups: [a, a] })).toThrow("groups[1].name: 'a' is used twice");
    const b = { name: 'b', classes: [1, 0, 1] };
    expect(() => kindConfig({ ...input, groups: [a, b] })).toThrow(
      "groups[1].classes: class 1 is already in group 'b'",
    );
    expect(() => validateKindConfig({ ...kindConfig(input), groups: [a, b] })).toThrow('class 1');
    const named = [
      { ...a, classNames: ['owl'] },
      { name: 'c', classes: [1, 0], classNames: ['cat', 'ow\u0142'] },
    ];
    expect(() => kindConfig({ ...input, groups: named })).toThrow(
      "groups[1].classNames: expected 'owl' for class 0, as in another group, got 'ow\u0142'",
    );
  });
});

test('refuses a rank above the narrowest layer, by its name', () => {
  const dit = ditConfig({ inputSize: 8, patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, classes: 2 });
  expect(() => kindConfig({ dit, learngeneRank: 17, tailorRank: 1 })).toThrow(
    'learngeneRank: expected a rank of at most 16',
  );
  expect(() => kindConfig({ dit, learngeneRank: 16, tailorRank: 40 })).toThrow(
    'tailorRank: expected a rank of at most 16',
  );
});
