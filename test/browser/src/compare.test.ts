import { describe, expect, it as test } from 'vitest';
import { differences, relativeDifference } from './compare';

describe('relativeDifference', () => {
  test('is relative to the largest magnitude expected', () => {
    expect(relativeDifference([-4, 1.002], [-4, 1])).toBeCloseTo(5e-4, 10);
    expect(relativeDifference([0, 0], [0, 0])).toBe(0);
    expect(relativeDifference([1e-9], [0])).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    [[Number.NaN], [1]],
    [[1], [Number.NaN]],
    [[Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]],
  ])('of %j and %j is infinite', (actual, expected) => {
    expect(relativeDifference(actual, expected)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('differences', () => {
  test('is empty where all agree', () => {
    expect(differences({ a: [1, 2], b: [] }, { b: [], a: [1, 2.0001] }, 1e-4)).toEqual([]);
  });

  test('names each result that differs, the worst number in it and by how much', () => {
    expect(
      differences({ loss: [0.5], 'two samples': [1, 3, 2] }, { loss: [1], 'two samples': [1, 2, 2] }, 1e-4),
    ).toEqual([
      'loss: differs by 5.0e-1 of its scale, expected at most 0.0001; loss is 0.5, expected 1',
      'two samples: differs by 5.0e-1 of its scale, expected at most 0.0001; two samples[1] is 3, expected 2',
    ]);
    expect(differences({ a: [1, Number.NaN] }, { a: [5, 6] }, 1e-4)[0]).toMatch(/Infinity.*a\[1\] is NaN, expected 6/);
  });

  test('names what is missing, not expected, or of another length', () => {
    expect(differences({ a: [1], c: [1] }, { a: [1, 2], b: [1] }, 1e-4)).toEqual([
      'a: expected 2 numbers, got 1',
      'b: missing',
      'c: not expected',
    ]);
  });
});
