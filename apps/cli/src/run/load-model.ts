import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KindModel } from '@learngene/kind';
import { loadBundle } from '@learngene/kind/node';
import { UsageError } from '../cli/errors';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { paramsFromTree } from '../training/state-files';
import { loadCheckpoint } from './checkpoint';
import { checkpointSteps, isRunFolder, readRunRecord } from './run-folder';

/** A model with what is needed to sample from it. */
export interface LoadedModel {
  /** Averaged weights; the caller disposes them. */
  model: KindModel;
  /** The configuration of the run that trained it. */
  config: Config;
}

/** Whether a folder holds a bundle. */
export function isBundle(path: string): boolean {
  return existsSync(join(path, 'kind.json'));
}

/** What a bundle's metadata keeps of the run, so that it can be sampled anywhere. */
export function bundleMetadata(config: Config): Record<string, string> {
  const { seed, model, diffusion, sampling } = config;
  return { config: JSON.stringify({ seed, model, diffusion, sampling }) };
}

async function loadRun(path: string): Promise<LoadedModel> {
  const record = await readRunRecord(path);
  const step = (await checkpointSteps(path)).at(-1);
  if (step === undefined) throw new UsageError(`${path}: the run has no checkpoint yet`);
  const { trees } = await loadCheckpoint(path, step, ['ema']);
  if (trees.ema === undefined) throw new Error(`${path}: the checkpoint of step ${step} has no ema.safetensors`);
  return { model: { config: record.model, params: paramsFromTree(trees.ema, record.model) }, config: record.config };
}

/** Reads a run's newest averaged weights, or a bundle; of a bundle only the groups that are named. */
export async function loadModel(path: string, groups?: readonly string[]): Promise<LoadedModel> {
  if (isBundle(path)) {
    const { config, params, metadata } = await loadBundle(path, groups === undefined ? {} : { groups: [...groups] });
    let kept: unknown = {};
    try {
      kept = JSON.parse(metadata.config ?? '{}');
    } catch (error) {
      throw new UsageError(`${path}: kind.json: metadata.config is not JSON`, { cause: error });
    }
    return { model: { config, params }, config: parseConfig(kept, join(path, 'kind.json')) };
  }
  if (isRunFolder(path)) return loadRun(path);
  throw new UsageError(`${path}: neither a run (config.json) nor a bundle (kind.json)`);
}
