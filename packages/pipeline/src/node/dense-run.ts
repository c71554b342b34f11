import { type DitConfig, ditParamsFromTensorData } from '@learngene/dit';
import type { DenseModel } from '@learngene/kind';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { loadNewestCheckpoint } from './checkpoint';
import { checkpointSteps, isRunFolder, readRunRecord } from './run-folder';

/** A plain DiT that a run trains, before its weights are read. */
export interface DenseRun {
  /** The name of every class, by class id. */
  classNames: readonly string[];
  /** Shapes of the network. */
  dit: DitConfig;
  /** The configuration of the run. */
  config: Config;
  /** Reads the newest averaged weights; the caller disposes them. */
  load(): Promise<DenseModel>;
}

/**
 * Describes a run of a plain DiT, without reading its weights. Undefined for a folder that is no such run.
 *
 * @throws ConfigError for a run without a checkpoint
 */
export async function describeDenseRun(folder: string): Promise<DenseRun | undefined> {
  if (!isRunFolder(folder)) return undefined;
  const record = await readRunRecord(folder);
  if (record.kind !== 'dense') return undefined;
  const none = () => new ConfigError(`${folder}: the run has no checkpoint yet`);
  if ((await checkpointSteps(folder)).length === 0) throw none();
  const { dit, classNames } = record.model;
  return {
    classNames,
    dit,
    config: record.config,
    async load() {
      const newest = await loadNewestCheckpoint(folder, ['ema']);
      if (newest === undefined) throw none();
      const { step, trees } = newest;
      const { ema } = trees;
      if (ema === undefined) throw new Error(`${folder}: the checkpoint of step ${step} has no ema.safetensors`);
      try {
        return { config: dit, params: ditParamsFromTensorData(await paramsToTensorData(ema), dit) };
      } finally {
        disposeParams(ema);
      }
    },
  };
}
