import type { Images } from '@learngene/report';
import type { DiffusionLearner, ValidationSet } from '@learngene/trainer';
import type { JobContext } from '../data/context';
import { type TransferPictures, type TransferRun, transferPictures } from '../experiments/transfer-run';
import { drawSamples, type Guidance, sampleLabels } from './sampling';
import { type Figures, openReferee } from './scoring';
import { heldOutSet } from './validation';

/** What a transfer is trained and scored with. */
export interface Scorer {
  pictures: TransferPictures;
  /** Held-out pictures of the classes. */
  held: ValidationSet;
  /** Draws `each` samples of every class and scores them. */
  score(
    learner: DiffusionLearner,
    options: { guidance: Guidance; each: number; seed: number },
  ): Promise<{ samples: Images; figures: Figures }>;
  /** Scores pictures again, `each` of every class. */
  rescore(samples: Images, each: number): Promise<Figures>;
  dispose(): void;
}

/** Opens the pictures of a transfer and what its samples are scored by. */
export async function openScorer(
  context: JobContext,
  run: Pick<TransferRun, 'task' | 'classes' | 'imagesPerClass' | 'seed'>,
): Promise<Scorer> {
  const { plan, signal } = context;
  const { evaluation } = plan;
  const pictures = await transferPictures(context, run);
  const { dataset } = plan.tasks[run.task];
  const referee = await openReferee(context, { dataset, all: pictures.all, reference: pictures.heldOut });
  const { height, width, channels } = pictures.train;
  return {
    pictures,
    held: await heldOutSet(pictures.heldOut, evaluation.validationPerClass),
    async score(learner, { guidance, each, seed }) {
      const labels = sampleLabels(run.classes.length, each);
      const shape = [height, width, channels] as const;
      const samples = await drawSamples(learner, { labels, guidance, shape, evaluation, seed, signal });
      return { samples, figures: await referee.score(samples, labels) };
    },
    rescore: (samples, each) => referee.score(samples, sampleLabels(run.classes.length, each)),
    dispose: () => referee.dispose(),
  };
}
