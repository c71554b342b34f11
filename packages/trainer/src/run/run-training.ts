import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import type { KindTrainState, Trainable } from '@learngene/kind';
import {
  createDiffusionProcess,
  type Decode,
  type DiffusionModel,
  NonFinitePixelsError,
  type Progress,
  recipeAutoencoder,
  sampleClasses,
} from '@learngene/pipeline';
import { type KindRunRecord, type OpenDecoder, openDecoder, type RunRecord } from '@learngene/pipeline/node';
import { validationBatches, validationSet } from '../batches/validation';
import { batchesOf, denseLearnerOf, kindLearnerOf, scheduleOf } from '../config/from-config';
import type { DiffusionLearner } from '../contracts/diffusion';
import { validationImages } from '../data/held-out-images';
import { interruptedBy } from '../errors';
import type { KindLearner } from '../learners/kind';
import { writeRunReport } from '../run-folder/report';
import { writeGrid } from '../run-folder/write-grid';
import { trainRun } from './train-run';
import { warnOfSmallData } from './warn-of-small-data';
import { warnOfWarmup } from './warn-of-warmup';

/** Rows and columns of the grids that are drawn while training. */
const GRID_CLASSES = 8;
const GRID_COLUMNS = 8;

/** Class ids of a grid: a row for each of the first classes. */
export function gridLabels(classes: number, columns: number, rows = GRID_CLASSES): Int32Array {
  return Int32Array.from({ length: Math.min(classes, rows) * columns }, (_, i) => Math.floor(i / columns));
}

async function writeSampleGrid(
  { run, record, progress, signal }: RunTrainingOptions,
  { learner, decode }: { learner: RunLearner; decode: Decode | undefined },
  step: number,
): Promise<void> {
  const { config } = record;
  const model = learner.model();
  try {
    const images = await sampleClasses(model, createDiffusionProcess(config), {
      labels: gridLabels(record.model.dit.classes, GRID_COLUMNS),
      sampling: config.sampling,
      seed: config.seed,
      decode,
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

/** A model that a run folder trains: its averaged weights are sampled from. */
export interface RunLearner extends DiffusionLearner {
  /** The model with its averaged weights; the tensors stay the learner's. */
  model(): DiffusionModel;
}

/** What {@link runTraining} trains. */
export interface RunTrainingOptions {
  /** The run folder; it exists and holds the record. */
  run: string;
  /** Configuration and model. */
  record: RunRecord;
  /** Images to train on. */
  data: ImageDataset;
  /** Images that nothing is trained on; needed where the configuration has a `validation`. */
  heldOut?: ImageDataset;
  /** Which parts of a KIND model are trained (default 'all'). */
  trainable?: Trainable;
  /**
   * Makes the state of a KIND model before the first step (default: fresh weights of the seed); not called where a
   * checkpoint is.
   */
  start?(): KindTrainState;
  /** Receives the progress of the training. */
  progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

function runLearner({ record, trainable, start }: RunTrainingOptions): RunLearner {
  const { config } = record;
  if (record.kind === 'kind') {
    return kindLearnerOf(config, { model: record.model, trainable, ...(start && { start }) });
  }
  if (trainable !== undefined && trainable !== 'all') {
    throw new Error(`trainable: expected 'all' for a dense model, got '${trainable}'`);
  }
  if (start !== undefined) throw new Error('start: expected none for a dense model, whose weights come from the seed');
  return denseLearnerOf(config, record.model.dit);
}

/** Throws where the data are not what the network of the record denoises. */
function checkSamples({ record, data }: RunTrainingOptions): void {
  const { inputSize, inChannels } = record.model.dit;
  const inLatents = recipeAutoencoder(record.config) !== undefined;
  if (inLatents !== (data.latents !== undefined)) {
    const [expected, came] = inLatents ? ['latents', 'images alone'] : ['images', 'latents'];
    throw new Error(`data: expected ${expected}, as the configuration says, got ${came}`);
  }
  const { height, width, channels } = data.latents ?? data;
  if (height === inputSize && width === inputSize && channels === inChannels) return;
  throw new Error(
    `data: expected ${inputSize}x${inputSize}x${inChannels}, which the model denoises, got ${height}x${width}x${channels}`,
  );
}

/** What the configuration's validation measures, as the loop takes it. */
async function validationOf({ record: { config }, heldOut }: RunTrainingOptions) {
  const { validation, training } = config;
  if (validation === undefined) return undefined;
  if (heldOut === undefined) throw new Error('heldOut: expected the images for the validation loss, got none');
  const images = validationImages(heldOut, config) as ImageDataset;
  const set = await validationSet(images, createDiffusionProcess(config));
  return { every: validation.every, batches: () => validationBatches(set, training.batchSize) };
}

/**
 * Trains a run folder to its end, with grids of samples on the way and a report.
 *
 * @returns the learner after the last step; the caller disposes it
 * @throws InterruptedError after an abort, and what {@link trainRun} throws; the learner is then disposed
 */
export function runTraining(options: RunTrainingOptions & { record: KindRunRecord }): Promise<KindLearner>;
export function runTraining(options: RunTrainingOptions): Promise<RunLearner>;
export async function runTraining(options: RunTrainingOptions): Promise<RunLearner> {
  const { run, record, data, progress, signal } = options;
  const { config } = record;
  checkSamples(options);
  warnOfWarmup(config.training, progress);
  const learner = runLearner(options);
  let decoder: OpenDecoder | undefined;
  try {
    decoder = config.training.sampleEvery > 0 ? await openDecoder(config) : undefined;
    const drawn = { learner, decode: decoder?.decode };
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
      validation: await validationOf(options),
      onSample: (step) => writeSampleGrid(options, drawn, step),
      progress,
      signal,
    });
    try {
      if (config.training.sampleEvery > 0) await writeSampleGrid(options, drawn, steps);
      progress.info(`Wrote ${await writeRunReport(run, record, learner.model())}`);
    } catch (error) {
      if (!signal.aborted) throw error;
      const message = 'interrupted after the last step; the run still lacks samples or its report';
      throw interruptedBy(signal, message, 'report-interrupted');
    }
    return learner;
  } catch (error) {
    learner.dispose();
    throw error;
  } finally {
    decoder?.dispose();
  }
}
