import { ConfigError } from '../errors';
import {
  checkOpenOptions,
  modelSource,
  type OpenPipelineOptions,
  type PipelineSource,
  pipelineOf,
} from '../pipeline/open-pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { openDecoder } from './autoencoder';
import { type DescribeSourceOptions, describeSource } from './path-source';

/** Options of {@link openPipeline} for a path. */
export interface OpenPathOptions
  extends Omit<OpenPipelineOptions, 'autoencoder'>,
    Pick<DescribeSourceOptions, 'progress'> {
  /** The autoencoder of a model of latents, or its folder; needed where it is not where the recipe says. */
  readonly autoencoder?: string | OpenPipelineOptions['autoencoder'];
}

/**
 * Opens a model to sample images from, as the function of the main entry does; besides, from a path: a run folder (its
 * newest checkpoint's averaged weights), a bundle, a demo (its pre-training run), the file of a dense model, or a folder of
 * diffusers. Of a bundle only the tailors of the classes that are named are read.
 *
 * @param source - a path, or what the main entry takes.
 * @param options - classes and a budget to compose a smaller model, a decoder of latents; `progress` takes notes on what is
 *   read at a path.
 * @returns a pipeline that the caller disposes.
 * @throws as the function of the main entry, and ConfigError that says what else lies at a path
 */
export async function openPipeline(source: string | PipelineSource, options: OpenPathOptions = {}): Promise<Pipeline> {
  const { progress, autoencoder, ...rest } = options;
  const given = typeof autoencoder === 'string' ? undefined : autoencoder;
  checkOpenOptions({ ...options, autoencoder: given }, ['progress']);
  if (typeof source !== 'string' && progress !== undefined) {
    throw new ConfigError('progress: expected a path as the source; nothing else has notes');
  }
  const found = typeof source === 'string' ? await describeSource(source, { progress }) : await modelSource(source);
  if (given !== undefined || rest.decode !== undefined) return pipelineOf(found, { ...rest, autoencoder: given });
  const { decode, dispose } = await openDecoder(found.recipe, autoencoder as string | undefined);
  try {
    return await pipelineOf(found, { ...rest, decode }, dispose);
  } catch (error) {
    dispose();
    throw error;
  }
}
