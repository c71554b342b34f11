import type { PrecisionRecall } from '@learngene/metrics';
import { counted } from '@learngene/pipeline';

/** Precision and recall compare balls that reach to the third neighbour: a set needs an image more than that. */
const LEAST_IMAGES = 4;

/** How many images are compared. */
export interface ComparedCounts {
  /** Samples. */
  samples: number;
  /** Real images that they are compared with. */
  reals: number;
}

/** Precision and recall of two sets by which those of samples are read. */
export interface PrecisionMarks {
  /** Of random pixels, as many as there are samples. */
  noise: PrecisionRecall;
  /** Of real images that are not among those that are compared with, where there are any. */
  training?: PrecisionRecall;
}

/** Why there is no precision and no recall of so few images, in a sentence; undefined where there is. */
export function tooFewForPrecision({ samples, reals }: ComparedCounts): string | undefined {
  if (samples >= LEAST_IMAGES && reals >= LEAST_IMAGES) return undefined;
  return `precision and recall are left out: they need ${LEAST_IMAGES} samples and ${LEAST_IMAGES} real images, and there are ${samples} and ${reals}`;
}

/** The share of what real images get (of 1, where that is not known) at which noise shows that a figure tells nothing. */
const TELLS_NOTHING = 0.5;

/**
 * What a reader of precision and recall should know: of few images in many dimensions the balls are so large that noise lies
 * within them too.
 *
 * @param counts - how many images were compared, where the sentence is to say so.
 * @returns a sentence for each figure that noise gets half of at least; often none
 */
export function precisionWarnings({ noise, training }: PrecisionMarks, counts?: ComparedCounts): string[] {
  const of =
    counts === undefined ? '' : `of ${counted(counts.samples, 'sample')} and ${counted(counts.reals, 'real image')} `;
  return (['precision', 'recall'] as const).flatMap((figure) => {
    if (noise[figure] < TELLS_NOTHING * (training?.[figure] ?? 1)) return [];
    const known = training === undefined ? '' : `, training images ${training[figure].toFixed(2)}`;
    return [`${figure}: noise gets ${noise[figure].toFixed(2)}${known}: ${of}it says nothing; more images would`];
  });
}
