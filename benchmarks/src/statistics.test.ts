import fc from 'fast-check';
import { describe, expect, it as test } from 'vitest';
import { disagreement, geometricMean, quantile, summarize } from './statistics';

const times = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('quantile', () => {
  test('is linear between neighbours, as numpy.quantile', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.1)).toBe(2);
    expect(quantile([7], 0.1)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow('at least one');
  });

  test('lies within the values, grows with the share and ignores the order', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const value = quantile(values, share);
        expect(value).toBeGreaterThanOrEqual(Math.min(...values));
        expect(value).toBeLessThanOrEqual(Math.max(...values) * (1 + 1e-12));
        expect(quantile(values, 0)).toBeLessThanOrEqual(value);
        expect(quantile([...values].reverse(), share)).toBe(value);
      }),
    );
  });
});

test('summarize keeps median, best decile and count', () => {
  expect(summarize([10, 20, 30])).toEqual({ median: 20, best: 12, count: 3 });
});

describe('geometricMean', () => {
  test('is the same for ratios turned over', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    fc.assert(
      fc.property(times, (values) => {
        const product = geometricMean(values) * geometricMean(values.map((value) => 1 / value));
        expect(product).toBeCloseTo(1, 9);
      }),
    );
  });

  test('refuses what has none', () => {
    expect(() => geometricMean([])).toThrow('at least one');
    expect(() => geometricMean([1, 0])).toThrow('positive');
  });
});

describe('disagreement', () => {
  test('allows the tolerance and names the first number beyond it', () => {
    expect(disagreement([1, 2], [1.0005, 2], { relative: 1e-3 })).toBeUndefined();
    expect(disagreement([1, 2], [1, 2.1], { relative: 1e-3 })).toBe("number 1: ours 2, the peer's 2.1");
    expect(disagreement([0], [5e-7], { relative: 0 })).toBeUndefined();
    expect(disagreement([1], [1, 2], { relative: 1 })).toBe('expected 2 numbers, got 1');
  });

  test('takes NaN for a difference', () => {
    expect(disagreement([Number.NaN], [1], { relative: 1 })).toContain('NaN');
  });
});
