import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DitConfig,
  type DitParams,
  ditConfig,
  ditFromDiffusers,
  ditFromFacebook,
  ditLayout,
  ditParamsFromTensorData,
  ditPrefixes,
} from '@learngene/dit';
import { type NamedTensors, type TensorData, type TensorFile, tensorsUnder } from '@learngene/tensor-io';
import { openTensorFile, weightsAt } from '@learngene/tensor-io/node';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { noProgress, type Progress } from '../progress';
import { describeDiffusersPipeline, isDiffusersPipeline, pipelineWeights } from './diffusers-pipeline';
import { isHubAddress } from './hub/address';
import { modelPath } from './hub/model-path';
import { DIFFUSERS_FILE } from './identify';

/** A dense DiT with what is needed to sample from it, before its weights are read. */
export interface DenseDescription {
  /** The file of the weights. */
  file: string;
  /** Its network. */
  dit: DitConfig;
  /** The name of every class. */
  classes: readonly string[];
  /** The configuration of the run that it comes from. */
  config: Config;
}

/** The metadata in the file of a dense model, so that it is sampled from as the model that it was made from. */
export function denseMetadata(
  dit: DitConfig,
  { classes, recipe }: { classes: readonly string[]; recipe: string },
): Record<string, string> {
  return { config: JSON.stringify(dit), classes: JSON.stringify(classes), recipe };
}

/** Whether the label table of facebookresearch/DiT's layout has the null label's row: a model that never dropped labels has none. */
function hasNullRow(tensors: NamedTensors, { classes }: DitConfig): boolean {
  return tensors.get('y_embedder.embedding_table.weight')?.shape[0] !== classes;
}

/**
 * A DiT's parameters from tensors in any of the known layouts; the caller owns them. Where the table of facebookresearch/DiT has
 * no row for the null label, that row is the mean of the others.
 */
export function denseParams(tensors: NamedTensors, config: DitConfig): DitParams {
  const layout = ditLayout(tensors);
  if (layout === 'facebook') {
    const nullRow = hasNullRow(tensors, config) ? 'file' : 'mean';
    return ditParamsFromTensorData(ditFromFacebook(tensors, config, { nullRow }), config);
  }
  if (layout === 'diffusers') return ditParamsFromTensorData(ditFromDiffusers(tensors, config), config);
  return ditParamsFromTensorData(tensors, config);
}

/** The averaged weights in a checkpoint of facebookresearch/DiT; its `find_model` takes them where they are. */
const AVERAGED = 'ema.';

/**
 * The one DiT in an open file: all of it, or what lies under the prefix of its keys. Of a checkpoint with averaged weights
 * (`ema`) it is these, and a message says so.
 *
 * @param path - what the file is called in messages
 * @throws ConfigError for a file of several models without averaged weights
 */
export function denseTensors(file: TensorFile, path: string, progress: Progress = noProgress): TensorFile {
  const prefixes = ditPrefixes(new Map(file.names.map((name) => [name, { shape: [] }])));
  const averaged = prefixes.length > 1 && prefixes.includes(AVERAGED);
  if (prefixes.length > 1 && !averaged) {
    throw new ConfigError(`${path}: holds several models, under ${prefixes.join(', ')}; keep one`, {
      code: 'models-several',
    });
  }
  const prefix = averaged ? AVERAGED : (prefixes[0] ?? '');
  if (prefix === '') return file;
  const why = averaged ? `holds ${prefixes.join(' and ')}; the averaged weights (${prefix}) are taken` : undefined;
  progress.info(`${path}: ${why ?? `the keys begin with ${prefix}, which is taken off`}`);
  return tensorsUnder(file, prefix.slice(0, -1), path);
}

/**
 * Reads the tensors of the one DiT in a `.safetensors`, `.pt` or `.pth` file, and none beside them. Of a checkpoint with
 * averaged weights (`ema`) it is these; a prefix of the keys is taken off. Of both a message tells.
 *
 * @throws ConfigError for a file of several models without averaged weights
 */
export async function readDenseTensors(place: string, progress?: Progress): Promise<Map<string, TensorData>> {
  const path = isHubAddress(place) ? denseFile(await modelPath(place, { progress })) : place;
  const file = await openTensorFile(path);
  try {
    const dense = denseTensors(file, path, progress);
    const tensors = new Map<string, TensorData>();
    for (const name of dense.names) tensors.set(name, await dense.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

/** The file of a dense model: the path itself, or the weights in a folder of diffusers, of the network or a pipeline. */
export function denseFile(path: string): string {
  if (!statSync(path).isDirectory()) return path;
  return isDiffusersPipeline(path) ? pipelineWeights(path) : weightsAt(join(path, DIFFUSERS_FILE));
}

/**
 * Describes a dense DiT, without reading its weights.
 *
 * @throws ConfigError for a file without that metadata, which `assemble` did not write, and as
 *   `describeDiffusersPipeline` for a pipeline of diffusers
 */
export async function describeDense(path: string): Promise<DenseDescription> {
  if (isDiffusersPipeline(path)) return describeDiffusersPipeline(path);
  const file = denseFile(path);
  const open = await openTensorFile(file);
  await open.close();
  const { config, classes, recipe } = open.metadata;
  if (config === undefined || classes === undefined || recipe === undefined) {
    throw new ConfigError(`${path}: a dense DiT that does not say its diffusion process, its sampler and its classes`, {
      code: 'recipe-missing',
    });
  }
  try {
    return {
      file,
      dit: ditConfig(JSON.parse(config)),
      classes: JSON.parse(classes) as string[],
      config: parseConfig(JSON.parse(recipe), file),
    };
  } catch (error) {
    throw new ConfigError(`${file}: metadata of a dense DiT`, { cause: error });
  }
}

/** The weights of a dense DiT; the caller disposes them. */
export async function loadDense({ file, dit }: DenseDescription): Promise<DitParams> {
  return denseParams(await readDenseTensors(file), dit);
}
