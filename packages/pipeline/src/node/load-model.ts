import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KindConfig, KindModel } from '@learngene/kind';
import { paramsFromTree } from '@learngene/kind';
import { loadBundle, readBundleManifest } from '@learngene/kind/node';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import type { Progress } from '../progress';
import { classLabels } from '../recipe/class-labels';
import { loadCheckpoint } from './checkpoint';
import { expectArtifact } from './identify';
import { checkpointSteps, isRunFolder, readRunRecord } from './run-folder';

/** A model with what is needed to sample from it. */
export interface LoadedModel {
  /** Averaged weights; the caller disposes them. */
  model: KindModel;
  /** The configuration of the run that trained it. */
  config: Config;
}

/** Whether a folder holds a bundle. */
function isBundle(path: string): boolean {
  return existsSync(join(path, 'kind.json'));
}

/** What a bundle's metadata keeps of the run, so that it can be sampled anywhere and its data are found. */
export function bundleMetadata(config: Config): Record<string, string> {
  const { seed, data, model, diffusion, sampling } = config;
  return { config: JSON.stringify({ seed, data, model, diffusion, sampling }) };
}

async function loadRun(path: string): Promise<LoadedModel> {
  const record = await readRunRecord(path);
  const step = (await checkpointSteps(path)).at(-1);
  if (step === undefined) throw new ConfigError(`${path}: the run has no checkpoint yet`);
  const { trees } = await loadCheckpoint(path, step, ['ema']);
  if (trees.ema === undefined) throw new Error(`${path}: the checkpoint of step ${step} has no ema.safetensors`);
  return { model: { config: record.model, params: paramsFromTree(trees.ema, record.model) }, config: record.config };
}

function keptConfig(path: string, metadata: Readonly<Record<string, string>>): Config {
  let kept: unknown = {};
  try {
    kept = JSON.parse(metadata.config ?? '{}');
  } catch (error) {
    throw new ConfigError(`${path}: kind.json: metadata.config is not JSON`, { cause: error });
  }
  return parseConfig(kept, join(path, 'kind.json'));
}

/** What a model is, before any of its weights are read. */
export interface ModelDescription {
  /** Shapes, groups and gate. */
  model: KindConfig;
  /** The configuration of the run that trained it. */
  config: Config;
}

/**
 * The folder of the run or the bundle at a path; of a demo its pre-training run, which is said.
 *
 * @throws ConfigError that says what else lies there
 */
export async function modelFolder(path: string, output: Progress): Promise<string> {
  const expected = 'a run, a bundle or a demo';
  const { kind, what } = await expectArtifact(path, { option: '--from', kinds: ['run', 'bundle', 'demo'], expected });
  if (kind !== 'demo') return path;
  const folder = join(path, 'pretrain');
  output.info(`${path} is ${what}; taking the first`);
  return folder;
}

/** Reads what a run or a bundle is, and no weights: cheap, and needs no engine. */
export async function describeModel(path: string): Promise<ModelDescription> {
  if (isBundle(path)) {
    const { config, metadata } = await readBundleManifest(path);
    return { model: config, config: keptConfig(path, metadata) };
  }
  if (isRunFolder(path)) {
    const { model, config } = await readRunRecord(path);
    if ((await checkpointSteps(path)).length === 0) throw new ConfigError(`${path}: the run has no checkpoint yet`);
    return { model, config };
  }
  throw new ConfigError(`${path}: neither a run (config.json) nor a bundle (kind.json)`);
}

/** The groups by name, as the model spells them. */
export function modelGroups(groups: readonly { name: string }[], wanted: readonly string[]): string[] {
  const names = groups.map(({ name }) => name);
  return classLabels(names, wanted, { owner: 'the model', argument: '--classes' }).map((label) => names[label]);
}

/** Reads a run's newest averaged weights, or a bundle; of a bundle only the groups that are named. */
export async function loadModel(path: string, groups?: readonly string[]): Promise<LoadedModel> {
  if (isBundle(path)) {
    const some =
      groups === undefined || groups.length === 0
        ? groups
        : modelGroups((await readBundleManifest(path)).config.groups, groups);
    const { config, params, metadata } = await loadBundle(path, some === undefined ? {} : { groups: [...some] });
    return { model: { config, params }, config: keptConfig(path, metadata) };
  }
  if (isRunFolder(path)) {
    const loaded = await loadRun(path);
    if (groups !== undefined && groups.length > 0) modelGroups(loaded.model.config.groups, groups);
    return loaded;
  }
  throw new ConfigError(`${path}: neither a run (config.json) nor a bundle (kind.json)`);
}
