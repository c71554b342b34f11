import { expect, test } from 'vitest';
import { scopesOf } from './conditions';
import { madeUpCells } from './made-up-grid';

test('means are over all tasks and over those of a setting; sweeps of a few methods stay alone', () => {
  const sweep = madeUpCells(['tops'], [0], { imagesPerClass: 5 }).slice(0, 3);
  const cells = [
    ...madeUpCells(['tops', 'shoes'], [0]),
    ...madeUpCells(['faces'], [0], { dataset: 'emoji' }),
    ...sweep,
  ];
  expect(scopesOf(cells).map(({ title, conditions }) => [title, conditions.length])).toEqual([
    ['mean over 3 tasks', 3],
    ['mean over 2 tasks (fashion, 100 images a class, 300 steps)', 2],
    ['faces (emoji, 100 images a class, 300 steps)', 1],
    ['shoes (fashion, 100 images a class, 300 steps)', 1],
    ['tops (fashion, 100 images a class, 300 steps)', 1],
    ['tops (fashion, 5 images a class, 300 steps)', 1],
  ]);
});

test('one condition is one table', () => {
  expect(scopesOf(madeUpCells(['tops'], [0, 1], { imagesPerClass: 0 })).map(({ title }) => title)).toEqual([
    'tops (fashion, all images, 300 steps)',
  ]);
  expect(scopesOf([])).toEqual([]);
});
