import { expect, test } from 'vitest';
import { trainingSchedule } from './schedule';

test.each([
  ['steps', { steps: -1 }, 'steps: expected a whole number of at least 1, got -1'],
  ['steps', { steps: Number.NaN }, 'steps: expected a whole number of at least 1, got NaN'],
  ['warmup', { warmup: -1 }, 'warmup: expected a whole number of at least 0, got -1'],
  ['decaySteps', { decaySteps: 0 }, 'decaySteps: expected a whole number of at least 1, got 0'],
  ['holdFrom', { holdFrom: 1.5 }, 'holdFrom: expected a whole number of at least 1, got 1.5'],
  ['learningRate', { learningRate: Number.NaN }, 'learningRate: expected a finite number, got NaN'],
])('%s that is no number of its range is named', (_, wrong, message) => {
  expect(() => trainingSchedule({ steps: 3, learningRate: 0.1, ...wrong })).toThrow(message);
});

test('a cosine decays over its own steps, and a held rate stays', () => {
  const options = { steps: 20, warmup: 2, learningRate: 1, decay: 'cosine', decaySteps: 10 } as const;
  const rates = ({ learningRate }: ReturnType<typeof trainingSchedule>) => [1, 2, 6, 7, 10, 19].map(learningRate);
  expect(rates(trainingSchedule(options))).toEqual([1, 1, 0.5, 0.5 * (1 + Math.cos((Math.PI * 5) / 8)), 0, 0]);
  expect(rates(trainingSchedule({ ...options, holdFrom: 7 }))).toEqual([1, 1, 0.5, 0.5, 0.5, 0.5]);
});
