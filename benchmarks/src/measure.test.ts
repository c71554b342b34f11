import fc from 'fast-check';
import { expect, it as test } from 'vitest';
import { interleave, planRound, planRounds } from './measure';

test('short work is repeated within a sample, long work is one sample a round', () => {
  expect(planRound(0.01)).toEqual({ samples: 20, inner: 400 });
  expect(planRound(10)).toEqual({ samples: 12, inner: 1 });
  expect(planRound(5000)).toEqual({ samples: 1, inner: 1 });
  fc.assert(
    fc.property(fc.double({ min: 1e-4, max: 1e5, noNaN: true }), (ms) => {
      const { samples, inner } = planRound(ms);
      expect(samples * inner * ms).toBeLessThanOrEqual(Math.max(121, ms));
    }),
  );
});

test('rounds fill the budget within their limits', () => {
  const effort = { budget: 1000, minRounds: 3, maxRounds: 10 };
  expect([50, 200, 2000, 4000, 6000].map((ms) => planRounds(ms, effort))).toEqual([10, 5, 3, 2, 1]);
});

test('workers take turns after a warm-up of each of a quarter of the budget, and all samples of turns are kept', async () => {
  const calls: string[] = [];
  const worker = (name: string, ms: number) => ({
    run: async (samples: number) => {
      calls.push(name);
      return new Array<number>(samples).fill(ms);
    },
  });
  const effort = { budget: 3000, minRounds: 3, maxRounds: 3 };
  const times = await interleave([worker('a', 2000), worker('b', 60)], effort);
  expect(calls.join('')).toBe(`abb${'b'.repeat(7)}ababab`);
  expect(times).toEqual([
    [2000, 2000, 2000],
    [60, 60, 60, 60, 60, 60],
  ]);
});
