import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PrecisionMarks } from '@learngene/trainer/node';
import { afterAll, expect, test } from 'vitest';
import { syntheticTrials, writeSyntheticResults } from '../../test/synthetic-results';
import type { TrialResult } from '../plan/result';
import { precisionMarksOf } from './precision-marks';
import { writeTransferReport } from './report';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const figures = (precision: number, recall: number) => ({ precision, recall, fScore: precision });

/** Synthetic trials whose evaluations have marks that go by the seed. */
function marked(marks: (seed: number) => PrecisionMarks | undefined): TrialResult[] {
  return syntheticTrials(['tops'], [0, 1]).map((trial) => {
    const precisionMarks = marks(trial.seed);
    return {
      ...trial,
      evaluations: trial.evaluations.map((one) => ({ ...one, ...(precisionMarks && { precisionMarks }) })),
    };
  });
}

const low = (seed: number): PrecisionMarks => ({
  noise: figures(0.02 + 0.02 * seed, 0),
  training: figures(0.9, 0.8 + 0.04 * seed),
});

test('each task and seed counts once, however many methods share its marks', () => {
  const { marks, warnings } = precisionMarksOf(marked(low));
  expect(warnings).toEqual([]);
  const [noise, training] = marks;
  expect([noise.images, noise.precision.count, training.images, training.recall.count]).toEqual([
    'noise',
    2,
    'training',
    2,
  ]);
  expect(noise.precision.mean).toBeCloseTo(0.03, 12);
  expect(training.recall.mean).toBeCloseTo(0.82, 12);
});

test('a figure that noise gets too is said to tell nothing, each sentence once', () => {
  const high = (): PrecisionMarks => ({ noise: figures(0.7, 0), training: figures(0.9, 0.8) });
  expect(precisionMarksOf(marked(high)).warnings).toEqual([
    'precision: noise gets 0.70, training images 0.90: it says nothing; more images would',
  ]);
});

test('the report has a row for each in the table, and none for results of older versions', async () => {
  const pageOf = async (trials: TrialResult[]) => {
    const folder = await writeSyntheticResults(trials, {});
    folders.push(folder);
    const { summary } = await writeTransferReport(folder, {
      command: 'learngene bench transfer --plan synthetic.json',
    });
    return { summary, page: readFileSync(join(folder, 'report.html'), 'utf8') };
  };
  const { page, summary } = await pageOf(marked(low));
  for (const name of ['random pixels', 'training images']) expect(page).toMatch(new RegExp(`>${name}<`));
  expect(page).toContain('Precision and recall are to be read beside those of random pixels and of training images');
  expect(summary.isoParameters[0].precisionMarks.marks).toHaveLength(2);
  const old = await pageOf(marked(() => undefined));
  expect(old.page).not.toContain('random pixels');
  expect(old.summary.isoParameters[0].precisionMarks).toEqual({ marks: [], warnings: [] });
});
