import { describe, expect, test } from 'vitest';
import {
  bernoulli,
  createGenerator,
  type GeneratorState,
  normal,
  permutation,
  randomIntegers,
  restoreGenerator,
  saveGenerator,
  streamSeed,
  uniform,
} from './index';

const { NaN: nan, POSITIVE_INFINITY: infinity, MAX_SAFE_INTEGER: safe } = Number;
const wrong = [nan, infinity, -infinity];
const notSeed = [...wrong, 0.5, safe + 1, -safe - 1];
const notSize = [...wrong, -1, 0.5, 2 ** 31];
const notFloat = [...wrong, 1e300, -1e300];
const g = createGenerator(1);
const saved = (part: Partial<GeneratorState>) => restoreGenerator({ ...saveGenerator(g), ...part });

/** Every scalar option: what takes it, what it must refuse, and what it takes at its limits. */
const options: [name: string, call: (value: number) => unknown, refused: number[], taken: number[]][] = [
  ['seed', createGenerator, notSeed, [0, -0, -1, safe, -safe]],
  ['seed', (seed) => streamSeed(seed, 'x'), notSeed, [0, -0, -1, safe, -safe]],
  ['state.seed', (seed) => saved({ seed }), notSeed, [0, -0, -1, safe]],
  ['state.position', (position) => saved({ position }), [...wrong, -1, 0.5, 625], [0, 624]],
  ['state.spareNormal', (spareNormal) => saved({ spareNormal }), wrong, [0, -3]],
  ['size', (size) => uniform(g, size), notSize, [0, -0, 1]],
  ['size', (size) => normal(g, size), notSize, [0, -0, 1]],
  ['size', (size) => randomIntegers(g, size, { high: 2 }), notSize, [0, -0, 1]],
  ['n', (n) => permutation(g, n), [...notSize, 214_748_364], [0, -0, 1]],
  ['low', (low) => uniform(g, 2, { low, high: 3e38 }), notFloat, [0, -0, -1, 3e38]],
  ['high', (high) => uniform(g, 2, { high }), [...notFloat, -1e-9], [0, 1e-300, 3.4e38]],
  ['high', (high) => uniform(g, 2, { low: -3e38, high }), [3e38], [0]], // their difference is too large for float32
  ['mean', (mean) => normal(g, 2, { mean }), notFloat, [0, -3e38, 3e38]],
  ['std', (std) => normal(g, 2, { std }), [...notFloat, -1e-9], [0, -0, 1]],
  [
    'low',
    (low) => randomIntegers(g, 2, { low, high: 2 ** 31 }),
    [...wrong, 0.5, 2 ** 31, -(2 ** 31) - 1],
    [-(2 ** 31)],
  ],
  ['high', (high) => randomIntegers(g, 2, { high }), [...wrong, 0.5, 0, -1, 2 ** 31 + 1], [1, 2 ** 31]],
  ['probabilities', (p) => bernoulli(g, [p]), [...wrong, -1e-9, 1.001], [0, -0, 1]],
];

describe('scalar options', () => {
  test.each(options)('%s', (name, call, refused, taken) => {
    for (const value of refused) {
      const before = saveGenerator(g);
      expect(() => call(value), `${value}`).toThrow(`${name}: expected`);
      expect(saveGenerator(g), `${value}`).toEqual(before); // nothing is drawn
    }
    for (const value of taken) expect(() => call(value), `${value}`).not.toThrow();
  });

  test('at their limits the numbers are finite and in range', () => {
    for (const size of [0, 1, 15, 16, 17]) {
      expect(normal(g, size, { std: 0, mean: -3 }).every((value) => value === -3)).toBe(true);
      expect(normal(g, size, { std: 1e37 }).every(Number.isFinite)).toBe(true);
      expect(uniform(g, size, { low: 2, high: 2 }).every((value) => value === 2)).toBe(true);
      expect(uniform(g, size, { low: -1e38, high: 2e38 }).every((x) => x >= -1.01e38 && x <= 2.01e38)).toBe(true);
      expect(randomIntegers(g, size, { low: 2 ** 31 - 1, high: 2 ** 31 })).toEqual(
        new Int32Array(size).fill(2 ** 31 - 1),
      );
    }
  });
});
