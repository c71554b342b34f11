import { expect, test } from 'vitest';
import { spread } from '../statistics';
import { bytesText, compact, intervalText, meanDeviation, percentText, signed } from './format';

test('figures', () => {
  expect(signed(-0.123, 2)).toBe('−0.12');
  expect(signed(0.001, 2)).toBe('0.00');
  expect(signed(3, 1)).toBe('+3.0');
  expect(percentText(-3.04)).toBe('−3.0');
  expect(percentText(661.4)).toBe('+661');
  expect(intervalText([-1, 2], 1)).toBe('[−1.0, +2.0]');
  expect([0, 999, 305_000, 12_345_678, 4.5e9, Number.NaN].map(compact)).toEqual([
    '0',
    '999',
    '305K',
    '12.3M',
    '4.5G',
    '–',
  ]);
  expect([12, 2048, 3 * 2 ** 20].map(bytesText)).toEqual(['12 B', '2.0 KiB', '3.00 MiB']);
});

test('means say how many runs diverged and show no deviation of one', () => {
  expect(meanDeviation(spread([1, 2, 3]), 1)).toBe('2.0 ± 1.0');
  expect(meanDeviation(spread([5]), 1)).toBe('5.0');
  expect(meanDeviation(spread([5, Number.NaN]), 1)).toBe('5.0 (1 diverged)');
  expect(meanDeviation(spread([Number.NaN]), 1)).toBe('(1 diverged)');
  expect(meanDeviation(spread([]), 1)).toBe('–');
});
