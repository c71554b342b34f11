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
} from '@learngene/dit';
import type { NamedTensors } from '@learngene/tensor-io';
import { openSafetensorsFile, readSafetensors } from '@learngene/tensor-io/node';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { DIFFUSERS_FILE } from './identify';

/** A dense DiT with what is needed to sample from it, before its weights are read. */
export interface DenseDescription {
  /** The file of the weights. */
  file: string;
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

/** A DiT's parameters from tensors in any of the known layouts; the caller owns them. */
export function denseParams(tensors: NamedTensors, config: DitConfig): DitParams {
  const layout = ditLayout(tensors);
  if (layout === 'facebook') return ditParamsFromTensorData(ditFromFacebook(tensors, config), config);
  if (layout === 'diffusers') return ditParamsFromTensorData(ditFromDiffusers(tensors, config), config);
  return ditParamsFromTensorData(tensors, config);
}

/** The file of a dense model: the path itself, or the weights in a folder of diffusers. */
export function denseFile(path: string): string {
  return statSync(path).isDirectory() ? join(path, DIFFUSERS_FILE) : path;
}

/**
 * Describes a dense DiT, without reading its weights.
 *
 * @throws ConfigError for a file without that metadata, which `assemble` did not write
 */
export async function describeDense(path: string): Promise<DenseDescription> {
  const file = denseFile(path);
  const open = await openSafetensorsFile(file);
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
  const { tensors } = await readSafetensors(file);
  return denseParams(tensors, dit);
}
