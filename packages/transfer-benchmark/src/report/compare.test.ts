import { describe, expect, test } from 'vitest';
import { syntheticTrial } from '../../test/synthetic-results';
import { compare } from './compare';

const trials = (method: string, fids: readonly number[], task = 'tops') =>
  fids.map((fid, seed) => syntheticTrial({ method, task, seed, fid }));
const fid = { metric: 'fid', acrossTasks: false } as const;

describe('compare', () => {
  test('pairs trials of the same seed and condition only', () => {
    const theirs = [
      ...trials('lora', [20, 22]),
      syntheticTrial({ method: 'lora', task: 'shoes', seed: 0, fid: 99 }),
      syntheticTrial({ method: 'lora', task: 'tops', seed: 0, fid: 99, steps: 600 }),
    ];
    const comparison = compare(theirs, trials('kind', [15, 16, 17]), fid);
    expect(comparison).toMatchObject({ pairs: 2, difference: 5.5 });
    expect(comparison?.percent).toBeCloseTo(100 * (Math.sqrt((20 / 15) * (22 / 16)) - 1), 10);
  });

  test.each<[string, number[], string, string | null]>([
    ['clearly worse', [20, 21.2, 22.1], 'worse', null],
    ['clearly better', [10, 11.2, 12.1], 'better', null],
    ['on both sides', [14, 17, 17], 'equal', null],
    ['all on one side, but far apart', [15.2, 18, 25], 'equal', 'worse'],
    ['the same', [15, 16, 17], 'equal', null],
  ])('%s', (_, fids, verdict, leaning) => {
    expect(compare(trials('lora', fids), trials('kind', [15, 16, 17]), fid)).toMatchObject({ verdict, leaning });
  });

  test('more is better for accuracy', () => {
    const comparison = compare(trials('lora', [20, 21.2, 22.1]), trials('kind', [15, 16, 17]), {
      metric: 'classAccuracy',
      acrossTasks: false,
    });
    expect(comparison?.difference).toBeLessThan(0);
    expect(comparison).toMatchObject({ verdict: 'worse', percent: null, percentInterval: null });
  });

  test('over tasks of different scales the ratios decide', () => {
    const at = (method: string, factors: readonly number[]) =>
      factors.flatMap((factor, i) => [
        syntheticTrial({ method, task: 'small', seed: i, fid: 5 * factor }),
        syntheticTrial({ method, task: 'large', seed: i, fid: 500 + i }),
      ]);
    const kind = at('kind', [1, 1.01, 1]);
    const half = at('lora', [0.5, 0.5, 0.51]);
    expect(compare(half, kind, { metric: 'fid', acrossTasks: true })?.percent).toBeCloseTo(-29, 0);
  });

  test('one pair has no interval, none no comparison', () => {
    const one = compare(trials('lora', [20]), trials('kind', [15]), fid);
    expect(one).toMatchObject({ pairs: 1, interval: null, student: null, verdict: 'unknown' });
    expect(compare(trials('lora', [20]), [], fid)).toBeUndefined();
    expect(compare(trials('lora', [Number.NaN]), trials('kind', [15]), fid)).toBeUndefined();
  });
});
