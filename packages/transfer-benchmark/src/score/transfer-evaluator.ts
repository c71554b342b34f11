import type { ImageDataset } from '@learngene/datasets';
import type { Images } from '@learngene/report';
import type { DiffusionLearner, ValidationSet } from '@learngene/trainer';
import type { JobContext } from '../data/context';
import { openDataset, splitOf, takePerClass } from '../data/data';
import { openSampleDecoder } from '../data/latents';
import type { EvaluatorInput, TransferInput } from '../jobs/job';
import type { EvaluationPlan } from '../plan/benchmark-plan';
import { openEvaluator, type Scores } from './evaluator';
import { drawSamples, type Guidance, sampleLabels, sampleShape } from './sampling';
import { heldOutSet } from './validation';

/** The images of a transfer, and what scores its samples. */
export interface TransferEvaluator {
  /** Training images, with their latents where models work in them. */
  train: ImageDataset;
  /** Held-out images of the classes. */
  validation: ValidationSet;
  /** Draws `each` samples of every class and scores them. */
  score(
    learner: DiffusionLearner,
    options: { guidance: Guidance; each: number; seed: number },
  ): Promise<{ samples: Images; scores: Scores }>;
  /** Scores samples that were drawn before, `each` of every class. */
  rescore(samples: Images, each: number): Promise<Scores>;
  dispose(): void;
}

/** Opens the images of a transfer and the evaluator of its samples. */
export async function openTransferEvaluator(
  { out, progress, signal }: JobContext,
  {
    transfer: { dataset, classes, imagesPerClass, seed: imagesSeed },
    evaluation,
    evaluator: input,
  }: { transfer: TransferInput; evaluation: EvaluationPlan; evaluator: EvaluatorInput },
): Promise<TransferEvaluator> {
  const all = await openDataset(out, dataset, progress);
  const { train: every, heldOut } = splitOf(all, classes, dataset.source.holdOut);
  const train = takePerClass(every, imagesPerClass, { purpose: 'images-per-class', seed: imagesSeed });
  const evaluator = await openEvaluator({ out }, { input, all, reference: heldOut, train });
  const { decode, dispose } = await openSampleDecoder(dataset.latents);
  const shape = sampleShape(train);
  return {
    train,
    validation: await heldOutSet(heldOut, evaluation.validationPerClass),
    async score(learner, { guidance, each, seed }) {
      const labels = sampleLabels(classes.length, each);
      const samples = await drawSamples(learner, { labels, guidance, shape, evaluation, seed, decode, signal });
      return { samples, scores: await evaluator.score(samples, labels) };
    },
    rescore: (samples, each) => evaluator.score(samples, sampleLabels(classes.length, each)),
    dispose() {
      dispose();
      evaluator.dispose();
    },
  };
}
