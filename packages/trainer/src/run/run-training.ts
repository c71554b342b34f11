import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import type { KindTrainState, Trainable } from '@learngene/kind';
import {
  type Config,
  createDiffusionProcess,
  NonFinitePixelsError,
  type Progress,
  sampleClasses,
} from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { batchesOf, kindLearnerOf, scheduleOf } from '../config/from-config';
import { interruptedBy } from '../errors';
import type { KindLearner } from '../learners/kind';
import { writeRunReport } from '../run-folder/report';
import { writeGrid } from '../run-folder/write-grid';
import { trainRun } from './train-run';

/** Rows and columns of the grids that are drawn while training. */
const GRID_CLASSES = 8;
const GRID_COLUMNS = 8;

/** Class ids of a grid: a row for each of the first classes. */
export function gridLabels(classes: number, columns: number, rows = GRID_CLASSES): Int32Array {
  return Int32Array.from({ length: Math.min(classes, rows) * columns }, (_, i) => Math.floor(i / columns));
}

async function writeSampleGrid(
  { run, record, progress, signal }: RunTrainingOptions,
  learner: KindLearner,
  step: number,
): Promise<void> {
  const { config } = record;
  const model = learner.model();
  try {
    const images = await sampleClasses(model, createDiffusionProcess(config), {
      labels: gridLabels(model.config.dit.classes, GRID_COLUMNS),
      sampling: config.sampling,
      seed: config.seed,
      progress,
      title: 'Drawing samples',
      signal,
    });
    await writeGrid(join(run, 'samples', `step-${step}.png`), images, GRID_COLUMNS);
  } catch (error) {
    if (!(error instanceof NonFinitePixelsError)) throw error;
    progress.warn(`No samples of step ${step}: ${error.message}`); // A grid on the way is no reason to lose a run.
  }
}

/** What {@link runTraining} trains. */
export interface RunTrainingOptions {
  /** The run folder; it exists and holds the record. */
  run: string;
  /** Configuration and model. */
  record: RunRecord;
  /** Images to train on. */
  data: ImageDataset;
  /** Which parts of the model are trained (default 'all'). */
  trainable?: Trainable;
  /** Makes the state before the first step (default: fresh weights of the seed); not called where a checkpoint is. */
  start?(): KindTrainState;
  /** Shows how far the training is. */
  progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

function warnOfSmallData(asked: Config['training'], batchSize: number, progress: Progress): void {
  if (batchSize >= asked.batchSize) return;
  progress.warn(`training.batchSize: ${asked.batchSize} is more than there are images; a step takes all ${batchSize}`);
}

/**
 * Trains a run folder to its end, with grids of samples on the way and a report.
 *
 * @returns the learner after the last step; the caller disposes it
 * @throws InterruptedError after an abort, and what {@link trainRun} throws; the learner is then disposed
 */
export async function runTraining(options: RunTrainingOptions): Promise<KindLearner> {
  const { run, record, trainable, data, start, progress, signal } = options;
  const { config, model } = record;
  const learner = kindLearnerOf(config, { model, trainable, ...(start && { start }) });
  try {
    const steps = await trainRun({
      run,
      learner,
      batches(state) {
        const batches = batchesOf(config, data, state);
        warnOfSmallData(config.training, batches.batchSize, progress);
        return batches;
      },
      schedule: scheduleOf(config),
      intervals: config.training,
      onSample: (step) => writeSampleGrid(options, learner, step),
      progress,
      signal,
    });
    try {
      if (config.training.sampleEvery > 0) await writeSampleGrid(options, learner, steps);
      progress.info(`Wrote ${await writeRunReport(run, record, learner.model())}`);
    } catch (error) {
      if (!signal.aborted) throw error;
      const message = 'interrupted after the last step; --resume draws the samples and writes the report';
      throw interruptedBy(signal, message);
    }
    return learner;
  } catch (error) {
    learner.dispose();
    throw error;
  }
}
