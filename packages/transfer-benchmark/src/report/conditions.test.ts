import { expect, test } from 'vitest';
import { syntheticTrials } from '../../test/synthetic-results';
import { scopesOf } from './conditions';

test('means are over all tasks and over those of a setting; sweeps of a few methods stay alone', () => {
  const sweep = syntheticTrials(['tops'], [0], { imagesPerClass: 5 }).slice(0, 3);
  const trials = [
    ...syntheticTrials(['tops', 'shoes'], [0]),
    ...syntheticTrials(['faces'], [0], { dataset: 'emoji' }),
    ...sweep,
  ];
  expect(scopesOf(trials).map(({ title, conditions }) => [title, conditions.length])).toEqual([
    ['mean over 3 tasks', 3],
    ['mean over 2 tasks (fashion, 100 images a class, 300 steps)', 2],
    ['faces (emoji, 100 images a class, 300 steps)', 1],
    ['shoes (fashion, 100 images a class, 300 steps)', 1],
    ['tops (fashion, 100 images a class, 300 steps)', 1],
    ['tops (fashion, 5 images a class, 300 steps)', 1],
  ]);
});

test('one condition is one table', () => {
  expect(scopesOf(syntheticTrials(['tops'], [0, 1], { imagesPerClass: 0 })).map(({ title }) => title)).toEqual([
    'tops (fashion, all images, 300 steps)',
  ]);
  expect(scopesOf([])).toEqual([]);
});
