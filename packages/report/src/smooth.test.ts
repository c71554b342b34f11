import { expect, test } from 'vitest';
import { smoothed } from './smooth';

const line = (ys: readonly number[]) => ys.map((y, x) => ({ x, y }));

test('a constant stays a constant from its first point on', () => {
  for (const { y } of smoothed(line([3, 3, 3, 3]), 0.9)) expect(y).toBeCloseTo(3, 12);
});

test('each value is the weighted mean of those up to it', () => {
  const ys = [4, 1, 7, 2];
  const weight = 0.6;
  const means = ys.map((_, n) => {
    const weights = ys.slice(0, n + 1).map((_, i) => weight ** (n - i));
    const sum = weights.reduce((a, b) => a + b);
    return ys.slice(0, n + 1).reduce((total, y, i) => total + (y * weights[i]) / sum, 0);
  });
  smoothed(line(ys), weight).forEach(({ x, y }, i) => {
    expect(x).toBe(i);
    expect(y).toBeCloseTo(means[i], 12);
  });
  expect(smoothed(line(ys), 0)).toEqual(line(ys));
});

test.each([1, -0.1, Number.NaN])('a weight of %d is refused', (weight) => {
  expect(() => smoothed(line([1]), weight)).toThrow(/weight: expected/);
});
