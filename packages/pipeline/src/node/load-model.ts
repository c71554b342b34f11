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
import { readRecipe } from '../recipe/recipe';
import { loadNewestCheckpoint } from './checkpoint';
import { modelPath } from './hub/model-path';
import { expectArtifact } from './identify';
import { checkpointSteps, isRunFolder, readKindRecord } from './run-folder';

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

async function loadRun(path: string): Promise<LoadedModel> {
  const record = await readKindRecord(path);
  const newest = await loadNewestCheckpoint(path, ['ema']);
  if (newest === undefined) throw new ConfigError(`${path}: the run has no checkpoint yet`);
  const { step, trees } = newest;
  if (trees.ema === undefined) throw new Error(`${path}: the checkpoint of step ${step} has no ema.safetensors`);
  return { model: { config: record.model, params: paramsFromTree(trees.ema, record.model) }, config: record.config };
}

/** The recipe of a bundle. Without one, that of a run with default settings. */
function keptConfig(path: string, metadata: Readonly<Record<string, string>>): Config {
  const file = join(path, 'kind.json');
  return readRecipe(metadata, file) ?? parseConfig({}, file);
}

/** The description of a model, without its weights. */
export interface ModelDescription {
  /** Shapes, groups and gate. */
  model: KindConfig;
  /** The configuration of the run that trained it. */
  config: Config;
}

/**
 * The folder of the run or the bundle at a path, at an address of the Hub, or of the bundle in an installed
 * npm package. For a demo it is its pre-training run, and a message says so.
 *
 * @param options - what receives that message, and the option or argument that gave the path, for errors
 * @throws ConfigError that says what else lies there
 */
export async function modelFolder(
  source: string,
  { progress, argument }: { progress: Progress; argument: string },
): Promise<string> {
  const path = await modelPath(source, { progress, argument });
  const expected = 'a run, a bundle or a demo';
  const { kind, what } = await expectArtifact(path, { option: argument, kinds: ['run', 'bundle', 'demo'], expected });
  if (kind !== 'demo') return path;
  const folder = join(path, 'pretrain');
  progress.info(`${path} is ${what}; taking the first`);
  return folder;
}

/** Describes a run or a bundle without reading its weights. It is cheap and needs no engine. */
export async function describeModel(path: string): Promise<ModelDescription> {
  if (isBundle(path)) {
    const { config, metadata } = await readBundleManifest(path);
    return { model: config, config: keptConfig(path, metadata) };
  }
  if (isRunFolder(path)) {
    const { model, config } = await readKindRecord(path);
    if ((await checkpointSteps(path)).length === 0) throw new ConfigError(`${path}: the run has no checkpoint yet`);
    return { model, config };
  }
  throw new ConfigError(`${path}: neither a run (config.json) nor a bundle (kind.json)`);
}

/**
 * The groups by name, as the model spells them.
 *
 * @param argument - the option or argument that names them, for messages
 * @throws ConfigError for a name that no group has
 */
export function modelGroups(
  groups: readonly { name: string }[],
  wanted: readonly string[],
  argument = 'groups',
): string[] {
  const names = groups.map(({ name }) => name);
  return classLabels(names, wanted, { owner: 'the model', argument }).map((label) => names[label]);
}

/** Reads the newest averaged weights of a run, or a bundle; of a bundle only the named groups. */
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
