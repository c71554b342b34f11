import type { ImageDataset } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { checkSameImages, imageRecord, RUN_FORMAT } from '@learngene/pipeline/node';
import { checkOldRun, createRunFolder, writeRunRecord } from '../run-folder/create-run';
import { versions } from '../run-folder/versions';
import { checkVaeMemory } from './check-vae-memory';
import { type VaeTrainingConfig, vaeOfConfig } from './config';
import { checkImageSize, decodeImages, openImages, type TrainingImages } from './open-images';
import { readVaeRunRecord, type VaeRunRecord } from './record';
import { runVaeTraining, type VaeRunOutcome } from './run-vae-training';

/** The run of an autoencoder before an engine starts and an image is decoded: all that is cheap to check is checked. */
export interface PreparedVaeRun {
  /** Configuration and shapes; the engine is set when it trains. */
  readonly record: VaeRunRecord;
  /** Whether a run folder is continued. */
  readonly resumed: boolean;
  /** Gives the images, decoded. */
  readonly images: (progress: Progress) => Promise<TrainingImages>;
}

/** How {@link trainVae} trains. */
export interface TrainVaeOptions {
  /** The run folder to create or to continue. */
  readonly run: string;
  /** Name of the engine that is selected. */
  readonly engine: string;
  /** Whether the data of a continued run lie elsewhere now: its record is written anew (default false). */
  readonly moved?: boolean;
  /** Takes notes and bars. */
  readonly progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  readonly signal: AbortSignal;
}

function newRecord(config: VaeTrainingConfig, images: ImageDataset): VaeRunRecord {
  const model = vaeOfConfig(config, images.channels);
  checkImageSize(images, model);
  checkVaeMemory(model);
  return {
    format: RUN_FORMAT,
    command: 'vae train',
    kind: 'autoencoder',
    config,
    model,
    engine: 'none yet',
    versions: versions(),
    images: imageRecord(images),
  };
}

/**
 * Prepares a new run on the data of its configuration.
 *
 * @throws ConfigError naming what of the configuration does not fit the data
 */
export async function prepareVaeTraining(config: VaeTrainingConfig, progress: Progress): Promise<PreparedVaeRun> {
  const { dataset, data } = await openImages(config.data, progress);
  const record = newRecord({ ...config, data }, dataset);
  return { record, resumed: false, images: (bars) => decodeImages(dataset, record.config, bars) };
}

/**
 * Prepares a new run on images of one's own; `data` of the configuration is not read. It is resumed by
 * {@link resumeVaeTraining} with the same images.
 */
export function prepareVaeTrainingOn(config: VaeTrainingConfig, images: TrainingImages): PreparedVaeRun {
  return { record: newRecord(config, images.train), resumed: false, images: async () => images };
}

/** How {@link resumeVaeTraining} opens a run. */
export interface ResumeVaeOptions {
  /** Where the data lie now, if not where the run's record says. */
  readonly place?: string;
  /** The images of a run that was prepared by {@link prepareVaeTrainingOn}. */
  readonly own?: TrainingImages;
  /** Takes notes on the data. */
  readonly progress: Progress;
}

/**
 * Opens a run again.
 *
 * @throws ConfigError for the run of another command, and where the images are not those that it was started on; Error for a
 *   folder that may not be written
 */
export async function resumeVaeTraining(
  run: string,
  { place, own, progress }: ResumeVaeOptions,
): Promise<PreparedVaeRun> {
  const record = await readVaeRunRecord(run);
  checkOldRun(run);
  checkVaeMemory(record.model);
  if (own !== undefined) {
    checkSameImages(own.train, record.images);
    return { record, resumed: true, images: async () => own };
  }
  const asked = place === undefined ? record.config.data : { ...record.config.data, path: place };
  const { dataset, data } = await openImages(asked, progress);
  checkSameImages(dataset, record.images);
  const moved = { ...record, config: { ...record.config, data } };
  return { record: moved, resumed: true, images: (bars) => decodeImages(dataset, moved.config, bars) };
}

/**
 * Trains a prepared run to its end, in its folder.
 *
 * @throws InterruptedError after an abort
 */
export async function trainVae(prepared: PreparedVaeRun, options: TrainVaeOptions): Promise<VaeRunOutcome> {
  const { run, engine, moved = false, progress, signal } = options;
  const { resumed } = prepared;
  if (resumed && prepared.record.engine !== engine) {
    const started = prepared.record.engine;
    progress.warn(`the run was started on ${started}; on ${engine} its numbers continue, but not bit for bit`);
  }
  const record = resumed ? prepared.record : { ...prepared.record, engine };
  const images = await prepared.images(progress);
  const enlarged = images.enlarged && { enlarged: images.enlarged };
  if (!resumed) await createRunFolder(run, { ...record, ...enlarged });
  else if (moved) await writeRunRecord(run, record);
  return { ...(await runVaeTraining({ run, record, images, progress, signal })), ...enlarged };
}
