import { join } from 'node:path';
import { readBundleManifest } from '@learngene/kind/node';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import type { ModelSource } from '../pipeline/model-source';
import { noProgress, type Progress } from '../progress';
import { classNamesOf } from '../recipe/class-names';
import { readRecipe } from '../recipe/recipe';
import { describeDense, loadDense } from './dense-model';
import { describeDenseRun } from './dense-run';
import { modelPath } from './hub/model-path';
import { expectArtifact } from './identify';
import { describeModel, loadModel, modelFolder } from './load-model';

/** A model in a folder or a file that images can be sampled from, before any of its weights are read. */
export interface PathSource extends ModelSource {
  /** The folder or file of the model itself. */
  readonly path: string;
  /** The configuration of the run that trained it. */
  readonly recipe: Config;
}

/** Options of {@link describeSource}. */
export interface DescribeSourceOptions {
  /** Receives messages on what is read (default: none). */
  readonly progress?: Progress;
  /** The option or argument that gave the path, for messages (default `path`). */
  readonly argument?: string;
}

/**
 * Describes a run, a bundle, a demo or a dense model without reading its weights. Of an address of the Hub (`hf://owner/name`) the
 * files are fetched; see `modelPath`.
 *
 * @param source - its path, or the name of an installed npm package that holds a bundle.
 * @throws ConfigError that says what else lies at the path, for a run without a checkpoint, and for a bundle or a dense model
 *   that does not say how images are sampled from it
 */
export async function describeSource(source: string, options: DescribeSourceOptions = {}): Promise<PathSource> {
  const { progress = noProgress, argument = 'path' } = options;
  const path = await modelPath(source, { progress, argument });
  const { kind } = await expectArtifact(path, {
    option: argument,
    kinds: ['run', 'bundle', 'demo', 'dense'],
    expected: 'a run, a bundle, a demo or a dense model',
  });
  if (kind === 'dense') return denseSource(path, progress);
  if (kind === 'bundle') await expectRecipe(path);
  const folder = await modelFolder(path, { progress, argument });
  const run = await describeDenseRun(folder);
  if (run) return { path: folder, classNames: run.classNames, dit: run.dit, recipe: run.config, load: run.load };
  const { model, config } = await describeModel(folder);
  const load = async (groups?: readonly string[]) => (await loadModel(folder, groups)).model;
  return { path: folder, classNames: classNamesOf(model), dit: model.dit, kind: model, recipe: config, load };
}

/** Throws on a bundle without a recipe: its images could be sampled by another process than it was trained with. */
async function expectRecipe(bundle: string): Promise<void> {
  const file = join(bundle, 'kind.json');
  if (readRecipe((await readBundleManifest(bundle)).metadata, file) !== undefined) return;
  throw new ConfigError(
    `${file}: expected metadata.config, the recipe of the model (process, sampler, guidance), got none`,
  );
}

async function denseSource(path: string, progress: Progress): Promise<PathSource> {
  const dense = await describeDense(path);
  const { config, classes, dit } = dense;
  if (config.model.nullGate === 'learngenes' && config.sampling.guidance !== 1) {
    progress.info(
      `${path}: without a label a dense model still has its class's tailors, so guidance differs from that of the bundle`,
    );
  }
  const load = async () => ({ config: dit, params: await loadDense(dense) });
  return { path, classNames: classes, dit, recipe: config, load };
}
