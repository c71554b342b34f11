import { existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchState, ImageDataset } from '@learngene/datasets';
import { disposeParams, type ParamTree, paramsToTensorData } from '@learngene/nn';
import type { Progress } from '@learngene/pipeline';
import { counted } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import { initVae, VAE_FILES, type VaeConfig, vaeParamsFromTensorData } from '@learngene/vae';
import { readVae, writeVae } from '@learngene/vae/node';
import { autoencoderBatches, imagesInOrder } from '../batches/autoencoder-batches';
import type { AutoencoderLearner } from '../contracts/autoencoder';
import { interruptedBy } from '../errors';
import { freshTree } from '../learners/adamw-tree';
import { autoencoderLearner } from '../learners/autoencoder';
import { trainRun } from '../run/train-run';
import { warnOfSmallData } from '../run/warn-of-small-data';
import { warnOfWarmup } from '../run/warn-of-warmup';
import { writeGrid } from '../run-folder/write-grid';
import { trainingSchedule } from '../train/schedule';
import { type LatentScale, measureLatentScale } from './latent-scale';
import type { TrainingImages } from './open-images';
import { GRID_COLUMNS, rebuiltGrid } from './rebuilt-grid';
import { reconstructionErrors } from './reconstruction-error';
import type { VaeRunRecord } from './record';
import { writeVaeReport } from './run-report';

/** The folder of the finished autoencoder in a run. */
const AUTOENCODER_FOLDER = 'autoencoder';

/** What {@link runVaeTraining} trains. */
export interface RunVaeTrainingOptions {
  /** The run folder; it exists and holds the record. */
  run: string;
  /** Configuration and shapes. */
  record: VaeRunRecord;
  /** Images to train on and to measure the error on. */
  images: TrainingImages;
  /** Shows how far the training is. */
  progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

/** What came of the training of an autoencoder. */
export interface VaeRunOutcome {
  /** The folder of the autoencoder: its `config.json` and its weights in float16. */
  readonly folder: string;
  /** The report's file. */
  readonly report: string;
  /** Optimiser steps of the whole training. */
  readonly steps: number;
  /** Numbers in the weights. */
  readonly parameters: number;
  /** Bytes of the file of the weights. */
  readonly bytes: number;
  /** How many images the error was measured on. */
  readonly heldOut: number;
  /** Their mean squared error, pixels in [0, 1], with the float16 weights; absent where none was held out. */
  readonly meanSquaredError?: number;
  /** What the configuration in the folder has for diffusion models. */
  readonly scale: LatentScale;
  /** The image files that were enlarged, where there are any. */
  readonly enlarged?: TrainingImages['enlarged'];
}

/** The learner of a record, with fresh weights of its seed. */
export function vaeLearnerOf({ config, model }: Pick<VaeRunRecord, 'config' | 'model'>): AutoencoderLearner {
  const { latentNoise, ...loss } = config.loss;
  const fresh = () => freshTree(initVae(stream(createGenerator(config.seed), 'init'), model) as ParamTree);
  return autoencoderLearner(fresh, {
    config: model,
    loss,
    latentNoise,
    weightDecay: config.training.weightDecay,
  });
}

/**
 * Trains an autoencoder in a run folder to its end, from the newest checkpoint where there is one; then writes the
 * autoencoder, measures it and writes the report.
 *
 * @throws InterruptedError after an abort, and what `trainRun` throws
 */
export async function runVaeTraining(options: RunVaeTrainingOptions): Promise<VaeRunOutcome> {
  const { run, record, images, progress, signal } = options;
  const { config, model } = record;
  const { seed, augmentation, training } = config;
  const { flip, ...augmented } = augmentation;
  warnOfWarmup(training, progress);
  const learner = vaeLearnerOf(record);
  try {
    const steps = await trainRun({
      run,
      learner,
      batches(state) {
        const batches = autoencoderBatches({
          data: images.train,
          config: model,
          batchSize: training.batchSize,
          flip,
          augmentation: augmented,
          seed,
          state: state as BatchState | undefined,
        });
        warnOfSmallData(training, batches.batchSize, progress);
        return batches;
      },
      schedule: trainingSchedule(training),
      intervals: training,
      ...(images.heldOut.size > 0 && {
        validation: { every: training.validateEvery, batches: () => imagesInOrder(images.heldOut, model) },
        validationName: 'held-out error',
      }),
      onSample: (step) => drawGrid(options, learner, step),
      progress,
      signal,
    });
    signal.throwIfAborted();
    if (training.sampleEvery > 0) await drawGrid(options, learner, steps);
    const outcome = await finish(options, learner, steps);
    progress.info(`Wrote ${outcome.folder} and ${outcome.report}`);
    return outcome;
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    throw interruptedBy(signal, 'interrupted after the last step', 'report-interrupted');
  } finally {
    learner.dispose();
  }
}

/** The images of the grids: held-out ones where there are any. */
const shownImages = ({ train, heldOut }: TrainingImages): ImageDataset => (heldOut.size > 0 ? heldOut : train);

async function drawGrid(
  { run, images }: RunVaeTrainingOptions,
  learner: AutoencoderLearner,
  step: number,
): Promise<void> {
  const grid = await rebuiltGrid(learner, shownImages(images));
  await writeGrid(join(run, 'samples', `step-${step}.png`), grid, GRID_COLUMNS);
}

/** Writes the autoencoder and the report. */
async function finish(
  { run, record, images, progress }: RunVaeTrainingOptions,
  learner: AutoencoderLearner,
  steps: number,
): Promise<VaeRunOutcome> {
  const { params } = learner.model();
  const folder = join(run, AUTOENCODER_FOLDER);
  const scale = await measureLatentScale(learner, images.train);
  const config: VaeConfig = { ...record.model, ...scale };
  await keepEarlier(folder, record, progress);
  await writeVae(folder, { config, tensors: await paramsToTensorData(params) }, { dtype: 'F16', replace: true });
  const error = await errorOfFolder(folder, images.heldOut);
  const measured = {
    folder,
    steps,
    parameters: learner.counts.parameters,
    bytes: await weightsSize(folder),
    heldOut: images.heldOut.size,
    ...(error !== undefined && { meanSquaredError: error }),
    scale,
  };
  return { ...measured, report: await writeVaeReport(run, record, measured) };
}

/** Keeps the autoencoder that was there before the run was extended: latents and models that were made with it need it. */
async function keepEarlier(folder: string, { changes = [] }: VaeRunRecord, progress: Progress): Promise<void> {
  const steps = changes.map(({ config }) => config['training.steps']?.[0]).findLast((before) => before !== undefined);
  const kept = `${folder}-step-${steps}`;
  if (steps === undefined || !existsSync(folder) || existsSync(kept)) return;
  await rename(folder, kept);
  progress.info(
    `Kept the autoencoder of ${counted(Number(steps), 'step')} in ${kept}; what was made with it needs that one`,
  );
}

async function weightsSize(folder: string): Promise<number> {
  const files = [VAE_FILES.diffusers, VAE_FILES.learngene].map((name) =>
    stat(join(folder, name)).catch(() => undefined),
  );
  const found = (await Promise.all(files)).find((file) => file !== undefined);
  if (found === undefined) throw new Error(`${folder}: expected a file of weights, found none`);
  return found.size;
}

/** The mean squared error of an autoencoder as its folder holds it; undefined where there are no images. */
async function errorOfFolder(folder: string, images: ImageDataset): Promise<number | undefined> {
  if (images.size === 0) return undefined;
  const { config, tensors } = await readVae(folder);
  const params = vaeParamsFromTensorData(tensors, config);
  try {
    const errors = await reconstructionErrors({ config, params }, images);
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  } finally {
    disposeParams(params);
  }
}
