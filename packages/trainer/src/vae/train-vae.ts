import type { ImageDataset } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { checkpointSteps, checkSameImages, imageRecord, RUN_FORMAT } from '@learngene/pipeline/node';
import { type ContinueOptions, continuedConfig, withChanges } from '../run/continue-run';
import { checkOldRun, createRunFolder, rewriteRunRecord } from '../run-folder/create-run';
import { versions } from '../run-folder/versions';
import { trainingSchedule } from '../train/schedule';
import { checkVaeMemory } from './check-vae-memory';
import { parseVaeTrainingConfig, type VaeTrainingConfig, vaeOfConfig } from './config';
import { checkImageSize, decodeImages, openImages, type TrainingImages } from './open-images';
import { readVaeRunRecord, type VaeRunRecord } from './record';
import { runVaeTraining, type VaeRunOutcome } from './run-vae-training';

/** The run of an autoencoder before an engine starts and an image is decoded: all that is cheap to check is checked. */
export interface PreparedVaeRun {
  /** Configuration and shapes; the engine is set when it trains. */
  readonly record: VaeRunRecord;
  /** Whether a run folder is continued. */
  readonly resumed: boolean;
  /** Whether the record of a continued run differs from the one in its folder, which is then written anew (default false). */
  readonly changed?: boolean;
  /** Gives the images, decoded. */
  readonly images: (progress: Progress) => Promise<TrainingImages>;
}

/** How {@link trainVae} trains. */
export interface TrainVaeOptions {
  /** The run folder to create or to continue. */
  readonly run: string;
  /** Name of the engine that is selected. */
  readonly engine: string;
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
export interface ResumeVaeOptions extends ContinueOptions {
  /** Where the data lie now, if not where the run's record says. */
  readonly place?: string;
  /** The images of a run that was prepared by {@link prepareVaeTrainingOn}. */
  readonly own?: TrainingImages;
  /** Takes notes on the data. */
  readonly progress: Progress;
}

/**
 * Opens a run again, with more steps where they are requested.
 *
 * @throws ConfigError for the run of another command, for what is requested and is not so in the run, for steps that were done
 *   already, and where the images are not those that it was started on; Error for a folder that may not
 *   be written
 */
export async function resumeVaeTraining(
  run: string,
  { place, own, progress, ...more }: ResumeVaeOptions,
): Promise<PreparedVaeRun> {
  const kept = await readVaeRunRecord(run);
  checkOldRun(run);
  checkVaeMemory(kept.model);
  const done = (await checkpointSteps(run)).at(-1) ?? 0;
  const config = continuedConfig(kept.config, more, {
    run,
    done,
    parse: (value) => parseVaeTrainingConfig(value, 'options'),
    schedule: ({ training }) => trainingSchedule(training),
    progress,
  });
  const noted = (last: VaeTrainingConfig, own: VaeTrainingConfig = last) => {
    const { changes } = withChanges(kept, last, done);
    const record = { ...kept, config: own, ...(changes && { changes }) };
    return { record, resumed: true, changed: changes !== kept.changes };
  };
  if (own !== undefined) {
    checkSameImages(own.train, kept.images);
    return { ...noted(config), images: async () => own };
  }
  const { dataset, data } = await openImages(
    place === undefined ? config.data : { ...config.data, path: place },
    progress,
  );
  checkSameImages(dataset, kept.images);
  const opened = { ...config, data };
  return {
    ...noted(place === undefined ? config : opened, opened),
    images: (bars) => decodeImages(dataset, opened, bars),
  };
}

/**
 * Trains a prepared run to its end, in its folder.
 *
 * @throws InterruptedError after an abort
 */
export async function trainVae(prepared: PreparedVaeRun, options: TrainVaeOptions): Promise<VaeRunOutcome> {
  const { run, engine, progress, signal } = options;
  const { resumed, changed = false } = prepared;
  if (resumed && prepared.record.engine !== engine) {
    const started = prepared.record.engine;
    progress.warn(`the run was started on ${started}; on ${engine} its numbers continue, but not bit for bit`);
  }
  if (resumed && (await checkpointSteps(run)).length === 0) {
    progress.warn(`${run}: no checkpoint found: starts at step 0`);
  }
  const record = resumed ? prepared.record : { ...prepared.record, engine };
  const images = await prepared.images(progress);
  const enlarged = images.enlarged && { enlarged: images.enlarged };
  if (!resumed) await createRunFolder(run, { ...record, ...enlarged }, progress);
  else if (changed) await rewriteRunRecord(run, record);
  return { ...(await runVaeTraining({ run, record, images, progress, signal })), ...enlarged };
}
