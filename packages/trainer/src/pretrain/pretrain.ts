import { resolve } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { countDitMacs, countDitParams, type DitMacCounts } from '@learngene/dit';
import { countKind, initKindTraining } from '@learngene/kind';
import { type Config, ConfigError, type Progress } from '@learngene/pipeline';
import { imageRecord, RUN_FORMAT, type RunRecord, readRunRecord } from '@learngene/pipeline/node';
import { checkGiven } from '../check-given';
import { modelConfig, networkConfig } from '../config/model-config';
import { checkHoldOut } from '../data/decode-data';
import { checkValidation } from '../data/held-out-images';
import { chooseClasses, openData, pretrainingClasses } from '../data/open-data';
import { checkLatents, withAutoencoder } from '../latents/training-data';
import { checkTrainingMemory } from '../run/check-training-memory';
import { checkSameStart } from '../run/continue-run';
import {
  noteResume,
  openRun,
  type PreparedRun,
  type ResumeOptions,
  reopenRun,
  type TrainedRun,
  type TrainPreparedOptions,
  trainedRun,
} from '../run/prepared-run';
import { runTraining } from '../run/run-training';
import { checkOldRun } from '../run-folder/create-run';
import { versions } from '../run-folder/versions';
import { checkDenseStart, kindFromDenseFile } from './dense-start';

/** Options of {@link preparePretraining}. */
export interface PreparePretrainingOptions {
  /** What is trained: learngenes and tailors, or a plain DiT. */
  kind: RunRecord['kind'];
  /** The file of a dense DiT whose SVD the learngenes start from. */
  dense?: string;
  /** Takes notes on the data. */
  progress: Progress;
}

/**
 * Prepares a new pre-training run: opens the data, chooses the classes, and makes the record.
 *
 * @throws ConfigError naming what of the configuration does not fit the data, the machine's memory or the dense DiT
 */
export async function preparePretraining(asked: Config, options: PreparePretrainingOptions): Promise<PreparedRun> {
  checkGiven('preparePretraining', 'config', asked, ['data', 'training']);
  checkGiven('preparePretraining', 'options', options, ['kind', 'progress']);
  const { kind, dense, progress } = options;
  checkHoldOut(asked);
  const { dataset, recipe, autoencoder } = await openData(asked.data, progress);
  const config = await withAutoencoder(asked, autoencoder);
  if (dense !== undefined) await checkDenseStart(dense, config, progress);
  const classes = pretrainingClasses(dataset, config.data);
  const view = chooseClasses(dataset, classes);
  checkValidation(view, config, progress);
  checkLatents(view, config);
  const record: RunRecord = {
    format: RUN_FORMAT,
    command: 'train',
    ...modelOf(kind, config, view),
    config: { ...config, data: { ...recipe, classes: [...classes] } },
    engine: 'none yet',
    versions: versions(),
    images: imageRecord(view),
    ...(dense === undefined ? {} : { dense }),
  };
  checkTrainingMemory(record);
  return { record, resumed: false, view };
}

/** The model that a run trains. An impossible model is a ConfigError. */
function modelOf(kind: RunRecord['kind'], config: Config, data: ImageDataset) {
  try {
    if (kind === 'kind') return { kind, model: modelConfig(config, data) };
    return { kind, model: { dit: networkConfig(config, data), classNames: [...data.classes] } };
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError('model', { cause: error });
  }
}

/** Options of {@link resumePretraining}. */
export interface ResumePretrainingOptions extends ResumeOptions {
  /** What is trained, as the run was started. */
  kind?: RunRecord['kind'];
  /** The file of a dense DiT, as the run was started. */
  dense?: string;
}

/**
 * Opens a pre-training run again, with more steps where they are requested.
 *
 * @throws ConfigError for a run of another command, for what is said again and is not so in the run, for steps that were done
 *   already, and for data that are not those that it was started on; Error for a folder that may not be written
 */
export async function resumePretraining(run: string, options: ResumePretrainingOptions): Promise<PreparedRun> {
  const record = await readRunRecord(run);
  if (record.command !== 'train') {
    throw new ConfigError(`${run}: a ${record.command} run; resume it with learngene ${record.command}`);
  }
  checkOldRun(run);
  const { kind, dense } = options;
  checkSameStart(run, {
    kind: { own: record.kind, given: kind },
    dense: { own: record.dense, given: dense === undefined ? undefined : resolve(dense) },
  });
  checkTrainingMemory(record);
  return reopenRun(run, record, options);
}

/** Result of {@link countRunModel}. */
export interface RunModelCounts {
  /** Its parameters. */
  params: {
    /** All that are trained. */
    total: number;
  };
  /** Multiply-accumulates of a forward pass of one class. */
  macs: Pick<DitMacCounts, 'total'>;
}

/** What a run's model costs. */
export function countRunModel(record: RunRecord): RunModelCounts {
  if (record.kind === 'kind') return countKind(record.model);
  const { dit } = record.model;
  return { params: { total: countDitParams(dit).trainable }, macs: countDitMacs(dit) };
}

/**
 * Trains a prepared run to its end, in its folder.
 *
 * @throws InterruptedError after an abort
 */
export async function pretrain(prepared: PreparedRun, options: TrainPreparedOptions): Promise<TrainedRun> {
  checkGiven('pretrain', 'prepared', prepared, ['record', 'view']);
  checkGiven('pretrain', 'options', options, ['run', 'engine', 'progress', 'signal']);
  const { run, engine, progress, signal } = options;
  const fresh = await noteResume(prepared, options);
  const record = { ...prepared.record, engine };
  const params =
    fresh && record.dense !== undefined && record.kind === 'kind'
      ? await kindFromDenseFile(record.dense, record.model, { seed: record.config.seed, progress })
      : undefined;
  // A continued run keeps the name of the engine that it was started on.
  const part = await openRun(prepared, prepared.resumed ? prepared.record : record, options);
  const { train: data, heldOut } = part;
  const start = params && (() => initKindTraining(params, { trainable: 'all' }));
  const learner = await runTraining({ run, record, data, heldOut, ...(start && { start }), progress, signal });
  learner.dispose();
  return trainedRun(run, record, part);
}
