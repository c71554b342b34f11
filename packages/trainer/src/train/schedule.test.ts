import { expect, test } from 'vitest';
import { trainingSchedule } from './schedule';

test.each([
  ['steps', { steps: -1 }, 'steps: expected a whole number of at least 1, got -1'],
  ['steps', { steps: Number.NaN }, 'steps: expected a whole number of at least 1, got NaN'],
  ['warmup', { warmup: -1 }, 'warmup: expected a whole number of at least 0, got -1'],
  ['learningRate', { learningRate: Number.NaN }, 'learningRate: expected a finite number, got NaN'],
])('%s that is no number of its range is named', (_, wrong, message) => {
  expect(() => trainingSchedule({ steps: 3, learningRate: 0.1, ...wrong })).toThrow(message);
});
