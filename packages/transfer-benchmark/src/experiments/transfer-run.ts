import { createBatches, type ImageDataset } from '@learngene/datasets';
import { disposeParams } from '@learngene/nn';
import { type DiffusionBatch, type DiffusionLearner, train, trainingSchedule } from '@learngene/trainer';
import { attachMethod } from '../attach/attach';
import { loadBase } from '../bases/base-state';
import { baseData } from '../bases/base-training';
import type { JobContext } from '../data/context';
import { fewOfEach, openPlanDataset, splitOf } from '../data/data';
import { baseOf } from '../plan/jobs';
import type { MethodSpec } from '../plan/methods';
import { lookBatch, planBatches } from '../training/batches';

/** A transfer to some classes. */
export interface TransferRun {
  spec: MethodSpec;
  task: string;
  /** The task's tuning classes or its novel ones. */
  classes: readonly string[];
  imagesPerClass: number;
  steps: number;
  seed: number;
  /** The seed of the base model. */
  baseSeed: number;
  learningRate: number;
}

/** The pictures of a transfer. */
export interface TransferPictures {
  /** All classes of the dataset. */
  all: ImageDataset;
  train: ImageDataset;
  heldOut: ImageDataset;
}

/** Opens the pictures of some classes of a task. */
export async function transferPictures(
  { out, plan, output }: JobContext,
  { task, classes, imagesPerClass, seed }: Pick<TransferRun, 'task' | 'classes' | 'imagesPerClass' | 'seed'>,
): Promise<TransferPictures> {
  const { dataset } = plan.tasks[task];
  const all = await openPlanDataset(out, plan, dataset, output);
  const { train, heldOut } = splitOf(all, classes, plan.datasets[dataset].holdOut);
  return { all, heldOut, train: fewOfEach(train, imagesPerClass, { purpose: 'images-per-class', seed }) };
}

/** Batches of the base's own classes, for a method that looks before it trains. */
async function looker(context: JobContext, run: TransferRun): Promise<(step: number) => DiffusionBatch> {
  const { plan } = context;
  const { train: own } = await baseData(context, baseOf(plan.tasks[run.task], run.spec.base, run.baseSeed));
  const batches = createBatches(own, { batchSize: plan.transfer.batchSize, seed: run.seed });
  const drawn = await Promise.all(Array.from({ length: 20 }, () => batches.next()));
  batches.close();
  const shape = [own.height, own.width, own.channels] as const;
  return (step) => lookBatch(drawn[step % drawn.length], shape, { seed: run.seed, step });
}

/** What {@link runTransfer} tells after every step. */
export interface TransferStep {
  step: number;
  loss: number;
  ms: number;
  learner: DiffusionLearner;
}

/** Attaches a method to its base and trains it; the caller disposes the learner. */
export async function runTransfer(
  context: JobContext,
  {
    run,
    pictures,
    onStep,
  }: { run: TransferRun; pictures: TransferPictures; onStep?: (step: TransferStep) => Promise<void> },
): Promise<{ learner: DiffusionLearner; size?: number }> {
  const { plan, signal } = context;
  const { spec, classes, steps, seed, baseSeed, learningRate } = run;
  const task = plan.tasks[run.task];
  const base = baseOf(task, spec.base, baseSeed);
  const look = spec.method === 'auto-lg' ? await looker(context, run) : () => drawNothing();
  const tree = spec.form.kind === 'scratch' ? undefined : await loadBase(context, base);
  const { height, width, channels } = pictures.train;
  const attached = await attachMethod({
    plan,
    spec,
    base,
    tree: tree ?? {},
    pictures: { height, width, channels, classes: task.pretraining },
    classes,
    matchFor: task.novel.length,
    steps,
    seed,
    look,
  });
  if (tree) disposeParams(tree);
  const { learner } = attached;
  const { batchSize, warmup, emaDecay } = plan.transfer;
  const batches = planBatches({
    data: pictures.train,
    seed,
    purpose: 'transfer',
    batchSize,
    flip: plan.datasets[task.dataset].flip,
    labelDropout: plan.model.labelDropout,
    droppedKeepGroup: true,
  });
  try {
    await train(learner, {
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
  return attached;
}

function drawNothing(): never {
  throw new Error('transfer: this method draws nothing before it trains');
}
