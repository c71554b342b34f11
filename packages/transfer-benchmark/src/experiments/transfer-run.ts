import { createBatches, createLatentBatches, type ImageDataset } from '@learngene/datasets';
import { disposeParams } from '@learngene/nn';
import {
  type DiffusionBatch,
  type DiffusionLearner,
  trainingSchedule,
  train as trainLearner,
} from '@learngene/trainer';
import { attachMethod } from '../attach/attach';
import type { Attached } from '../attach/attach-job';
import { loadBase } from '../bases/base-state';
import type { JobContext } from '../data/context';
import { baseData } from '../data/data';
import type { TransferInput } from '../jobs/job';
import { inputShape } from '../plan/base-spec';
import { sampleShape } from '../score/sampling';
import { calibrationBatch, planBatches } from '../training/batches';

/** Batches of the base's own classes that are drawn before a training, for methods that choose by them. */
const CALIBRATION_BATCHES = 20;

async function calibrationBatches(
  { out, progress }: JobContext,
  { base, transfer, seed }: TransferInput,
): Promise<(step: number) => DiffusionBatch> {
  const { train: own } = await baseData(out, base, progress);
  const options = { batchSize: transfer.batchSize, seed };
  const batches = own.latents === undefined ? createBatches(own, options) : createLatentBatches(own, options);
  const drawn = await Promise.all(
    Array.from({ length: CALIBRATION_BATCHES }, async () => {
      const batch = await batches.next();
      return { labels: batch.labels, images: 'latents' in batch ? batch.latents : batch.images };
    }),
  );
  batches.close();
  const shape = sampleShape(own);
  return (step) => calibrationBatch(drawn[step % drawn.length], shape, { seed, step });
}

function noCalibration(): never {
  throw new Error('transfer: this method needs no calibration batches');
}

/** What {@link runTransfer} tells after every step. */
export interface TransferStep {
  step: number;
  loss: number;
  ms: number;
  learner: DiffusionLearner;
}

/** What {@link runTransfer} needs. */
export interface RunTransferOptions {
  input: TransferInput;
  learningRate: number;
  /** Training images. */
  train: ImageDataset;
  onStep?: (step: TransferStep) => Promise<void>;
}

/** A method that was trained. */
export interface Transferred extends Attached {
  /** Images of a step: those of the plan, or all where there are fewer. */
  batchSize: number;
}

/** Attaches a method to its base and trains it; the caller disposes the learner. */
export async function runTransfer(
  context: JobContext,
  { input, learningRate, train, onStep }: RunTransferOptions,
): Promise<Transferred> {
  const { out, signal } = context;
  const { spec, base, dataset, classes, matchFor, steps, seed, transfer } = input;
  const calibration = spec.method === 'auto-lg' ? await calibrationBatches(context, input) : noCalibration;
  const tree = spec.form.kind === 'scratch' ? undefined : await loadBase(out, base);
  const attached = await attachMethod({
    spec,
    base,
    labels: transfer.labels,
    tree: tree ?? {},
    input: { ...inputShape(train), classes: base.classes },
    classes,
    matchFor,
    steps,
    seed,
    calibrationBatch: calibration,
  });
  if (tree) disposeParams(tree);
  const { learner } = attached;
  const { batchSize, warmup, emaDecay } = transfer;
  const batches = planBatches({
    data: train,
    seed,
    purpose: 'transfer',
    batchSize,
    flip: dataset.source.flip,
    labelDropout: base.model.labelDropout,
    droppedKeepGroup: true,
    progress: context.progress,
  });
  try {
    await trainLearner(learner, {
      data: batches,
      schedule: trainingSchedule({ steps, learningRate, warmup: Math.min(warmup, steps), emaDecay }),
      signal,
      onStep: ({ step, loss, milliseconds }) => onStep?.({ step, loss, ms: milliseconds, learner }),
    });
  } catch (error) {
    learner.dispose();
    throw error;
  } finally {
    batches.close();
  }
  return { ...attached, batchSize: batches.batchSize };
}
