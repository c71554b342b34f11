import { expect, test } from 'vitest';
import { nextRate } from './tuning';

const tried = (...fids: [rate: number, fid: number | undefined][]) =>
  fids.map(([learningRate, fid]) => ({
    learningRate,
    guidances: fid === undefined ? [] : [{ mode: 'none' as const, scale: 1, fid }],
  }));

test('the sweep goes on beyond the end that was best, as often as it may', () => {
  expect(nextRate(tried([1e-3, 9], [3e-3, 8], [9e-3, 7]), 3, 1)).toBe(0.027);
  expect(nextRate(tried([1e-3, 5], [3e-3, 8], [9e-3, 7]), 3, 1)).toBe(0.000333);
  expect(nextRate(tried([1e-3, 9], [3e-3, 6], [9e-3, 7]), 3, 1)).toBeUndefined();
  expect(nextRate(tried([1e-3, 9], [3e-3, 8], [9e-3, 7]), 3, 0)).toBeUndefined();
  expect(nextRate(tried([1e-3, 9], [3e-3, 8], [9e-3, 7], [0.027, 6]), 3, 1)).toBeUndefined();
  expect(nextRate(tried([1e-3, 9], [3e-3, 8], [9e-3, 7], [0.027, 6]), 3, 2)).toBe(0.081);
});

test('rates that do not train are passed over; one rate alone gives no ratio', () => {
  expect(nextRate(tried([1e-3, 9], [3e-3, 8], [9e-3, undefined]), 3, 1)).toBeUndefined();
  expect(nextRate(tried([1e-3, undefined], [3e-3, undefined]), 2, 1)).toBeUndefined();
  expect(nextRate(tried([1e-3, 9]), 1, 1)).toBeUndefined();
});
