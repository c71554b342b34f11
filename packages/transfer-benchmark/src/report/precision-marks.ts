import { type PrecisionMarks, precisionWarnings } from '@learngene/trainer/node';
import type { TrialResult } from '../plan/result';
import { type Spread, spread } from '../statistics';
import { finalEvaluation } from './metrics';

/** Precision and recall of one kind of images in the place of samples, over the trials of a table. */
export interface PrecisionMark {
  /** What stands in the place of the samples. */
  images: keyof PrecisionMarks;
  /** Share of them within the held-out images. */
  precision: Spread;
  /** Share of the held-out images within them. */
  recall: Spread;
}

/** Precision and recall of random pixels and of training images in the place of the samples of some trials. */
export interface PrecisionMarkSummary {
  /** The marks that trials have; none of results of older versions. */
  marks: PrecisionMark[];
  /** Sentences on figures that say nothing, each once. */
  warnings: string[];
}

/** Sums up the marks of a table's trials. Methods with the same images have the same ones: each task and seed counts once. */
export function precisionMarksOf(trials: readonly TrialResult[]): PrecisionMarkSummary {
  const own = new Map(
    trials.flatMap((trial) => {
      const { precisionMarks: marks, samples } = finalEvaluation(trial);
      const { task, seed, imagesPerClass } = trial;
      return marks === undefined ? [] : [[`${task} ${seed} ${imagesPerClass} ${samples}`, { marks, samples }] as const];
    }),
  );
  const measured = [...own.values()];
  const marks = (['noise', 'training'] as const).flatMap((images): PrecisionMark[] => {
    const found = measured.flatMap(({ marks }) => marks[images] ?? []);
    if (found.length === 0) return [];
    const of = (figure: 'precision' | 'recall') => spread(found.map((mark) => mark[figure]));
    return [{ images, precision: of('precision'), recall: of('recall') }];
  });
  return { marks, warnings: [...new Set(measured.flatMap(({ marks }) => precisionWarnings(marks)))] };
}
