import { ConfigError } from '../errors';
import {
  checkOpenOptions,
  modelSource,
  type OpenPipelineOptions,
  type PipelineSource,
  pipelineOf,
} from '../pipeline/open-pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { type DescribeSourceOptions, describeSource } from './path-source';

/** Options of {@link openPipeline} for a path. */
export interface OpenPathOptions extends OpenPipelineOptions, Pick<DescribeSourceOptions, 'progress'> {}

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
  checkOpenOptions(options, ['progress']);
  const { progress, ...rest } = options;
  if (typeof source === 'string') return pipelineOf(await describeSource(source, { progress }), rest);
  if (progress !== undefined) throw new ConfigError('progress: expected a path as the source; nothing else has notes');
  return pipelineOf(await modelSource(source), rest);
}
