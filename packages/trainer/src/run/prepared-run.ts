import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { type Progress, parseConfig } from '@learngene/pipeline';
import { checkpointSteps, type EnlargedRecord, type RunRecord } from '@learngene/pipeline/node';
import { scheduleOf } from '../config/from-config';
import type { DataPart } from '../data/decode-data';
import { decodeRunData, reopenRunData } from '../data/run-data';
import { createRunFolder, rewriteRunRecord } from '../run-folder/create-run';
import { type MetricsLine, readMetricsLog } from '../run-folder/metrics-log';
import { type ContinueOptions, continuedConfig, withChanges } from './continue-run';

/** A prepared run. Everything that is cheap to check is checked; no engine is started and no image decoded. */
export interface PreparedRun<R extends RunRecord = RunRecord> {
  /** Configuration and model; the engine is set when it trains. */
  record: R;
  /** Whether a run folder is continued. */
  resumed: boolean;
  /** Images of the run's classes, not decoded yet. */
  view: ImageDataset;
  /** Whether the record of a continued run differs from the one in its folder, which is then written anew (default false). */
  changed?: boolean;
}

/** How a run is opened again. */
export interface ResumeOptions extends ContinueOptions {
  /** Path of the data, if they are no longer where the recipe of the run says. */
  place?: string;
  /** Folder of the latents, if they are no longer where the recipe of the run says. */
  latents?: string;
  /** Folder of the autoencoder, or the name of a shipped one, if it is no longer where the recipe of the run says. */
  autoencoder?: string;
  /** Takes notes on the data. */
  progress: Progress;
}

/** How a prepared run is trained. */
export interface TrainPreparedOptions {
  /** The run folder to create or to continue. */
  run: string;
  /** Name of the engine that is selected. */
  engine: string;
  /** Receives messages and progress bars. */
  progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

/** Result of training a run. */
export interface TrainedRun {
  /** The run folder. */
  run: string;
  /** Steps of the whole training. */
  steps: number;
  /** The last line of its metrics. */
  last: MetricsLine | undefined;
  /** The report's file. */
  report: string;
  /** The image files that were enlarged, where there are any. */
  enlarged?: EnlargedRecord;
}

/**
 * Says what is not as expected where a run is continued: that it has no checkpoint, so that it starts over, and that it
 * was started on another engine.
 *
 * @returns whether the first step is yet to come
 */
export async function noteResume(
  { record, resumed }: PreparedRun,
  { run, engine, progress }: TrainPreparedOptions,
): Promise<boolean> {
  const fresh = !resumed || (await checkpointSteps(run)).length === 0;
  if (!resumed) return fresh;
  if (fresh) progress.warn(`${run}: no checkpoint found: starts at step 0`);
  if (record.engine !== engine) {
    progress.warn(`the run was started on ${record.engine}; on ${engine} its numbers continue, but not bit for bit`);
  }
  return fresh;
}

/**
 * The record with which a run goes on, and its images, opened anew. What changed in it, by more steps or by data that lie
 * elsewhere now, is noted in the record.
 *
 * @throws ConfigError as `continuedConfig` and `reopenRunData`
 */
export async function reopenRun<R extends RunRecord>(
  run: string,
  kept: R,
  options: ResumeOptions,
): Promise<PreparedRun<R>> {
  const { place, latents, autoencoder, progress } = options;
  const done = (await checkpointSteps(run)).at(-1) ?? 0;
  const parse = (value: unknown) => parseConfig(value, 'options');
  const config = continuedConfig(kept.config, options, { run, done, parse, schedule: scheduleOf, progress });
  const { record, view } = await reopenRunData({ ...kept, config }, { place, latents, autoencoder, progress });
  const moved = [place, latents, autoencoder].some((at) => at !== undefined);
  const { changes } = withChanges(kept, moved ? record.config : config, done);
  const noted = changes === undefined ? record : { ...record, changes };
  return { record: noted, resumed: true, view, changed: changes !== kept.changes };
}

/**
 * Decodes the images of a run, and writes its folder or, where its record changed, that.
 *
 * @param record The prepared record with what became known since.
 * @returns the images to train on, and those held out
 */
export async function openRun<R extends RunRecord>(
  { resumed, view, changed = false }: PreparedRun,
  record: R,
  { run, progress }: TrainPreparedOptions,
): Promise<DataPart> {
  const data = await decodeRunData(view, record, progress);
  const { enlarged } = data;
  if (!resumed) await createRunFolder(run, { ...record, ...(enlarged && { enlarged }) }, progress);
  else if (changed) await rewriteRunRecord(run, record);
  return data;
}

/** Paths and settings of the training in a run folder. */
export function trainedRun(run: string, { config }: RunRecord, { enlarged }: Pick<DataPart, 'enlarged'>): TrainedRun {
  const last = readMetricsLog(run).at(-1);
  const report = join(run, 'report.html');
  return { run, steps: config.training.steps, last, report, ...(enlarged && { enlarged }) };
}
