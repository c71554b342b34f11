import { noProgress } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { warnOfWarmup } from './warn-of-warmup';

test.each<[number, number, string[]]>([
  [100, 0, []],
  [100, 100, []],
  [
    20,
    100,
    ['training.warmup: expected at most the 20 steps of the run, got 100: the learning rate reaches 0.0002 of 0.001'],
  ],
])('%i steps with a warm-up of %i', (steps, warmup, expected) => {
  const said: string[] = [];
  warnOfWarmup({ steps, warmup, learningRate: 1e-3 }, { ...noProgress, warn: (text) => said.push(text) });
  expect(said).toEqual(expected);
});
