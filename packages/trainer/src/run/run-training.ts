import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import type { KindTrainState, Trainable } from '@learngene/kind';
import {
  classNamesOf,
  createDiffusionProcess,
  type Decode,
  type DiffusionModel,
  isKindModel,
  NonFinitePixelsError,
  type Progress,
  recipeAutoencoder,
  sampleClasses,
} from '@learngene/pipeline';
import { type KindRunRecord, type OpenDecoder, openDecoder, type RunRecord } from '@learngene/pipeline/node';
import { validationBatches, validationSet } from '../batches/validation';
import { batchesOf, denseLearnerOf, kindLearnerOf, scheduleOf } from '../config/from-config';
import type { DiffusionBatch, DiffusionLearner } from '../contracts/diffusion';
import { validationImages } from '../data/held-out-images';
import { interruptedBy } from '../errors';
import type { KindLearner } from '../learners/kind';
import { partsOfSamples } from '../objective/loss-sums';
import { writeRunReport } from '../reports/run-report';
import { GRID_CLASSES, GRID_COLUMNS } from '../reports/sample-progress';
import { writeGrid } from '../run-folder/write-grid';
import { type FidMeter, openFidMeter } from './fid-meter';
import type { LossParts } from './loss-parts';
import { writeReals } from './reals';
import type { LaterSteps } from './tell-duration';
import { trainRun } from './train-run';
import { warnOfSmallData } from './warn-of-small-data';
import { warnOfWarmup } from './warn-of-warmup';

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

/** Writes the report of a run with the spectra of its model, where that has learngenes. */
function reportOf({ run, record }: RunTrainingOptions, learner: RunLearner): Promise<string> {
  const model = learner.model();
  return writeRunReport(run, record, isKindModel(model) ? model : undefined);
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
  /** Steps that follow this training, for what is told of how long it takes (default: none). */
  later?: LaterSteps;
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

/** With more classes than these, lines of the log tell the training loss by timestep alone. */
const MOST_CLASSES = 100;

/** The losses of samples by timestep quarter and by class. */
function lossPartsOf({ record }: RunTrainingOptions): LossParts<DiffusionBatch> {
  const names = classNamesOf(record.model);
  return { of: partsOfSamples(createDiffusionProcess(record.config), names), byClass: names.length <= MOST_CLASSES };
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
  let scores: FidMeter | undefined;
  try {
    const draws = config.training.sampleEvery > 0 || config.validation?.fidEvery !== undefined;
    decoder = draws ? await openDecoder(config) : undefined;
    const drawn = { learner, decode: decoder?.decode };
    const model = () => learner.model();
    scores = await openFidMeter({ ...options, config, heldOut: options.heldOut, model, decode: drawn.decode });
    if (config.training.sampleEvery > 0) await writeReals(options);
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
      lossParts: lossPartsOf(options),
      ...(scores && { scores }),
      later: options.later,
      onSample: (step) => writeSampleGrid(options, drawn, step),
      progress,
      signal,
    });
    try {
      if (config.training.sampleEvery > 0) await writeSampleGrid(options, drawn, steps);
      progress.info(`Wrote ${await reportOf(options, learner)}`);
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
    scores?.dispose();
  }
}
