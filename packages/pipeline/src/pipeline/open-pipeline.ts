import type { BundleModel, FetchPiece } from '@learngene/kind';
import { ConfigError } from '../errors';
import { type LoadedAutoencoder, latentDecoder } from '../latents/decoder';
import { autoencoderWords, recipeAutoencoder } from '../recipe/autoencoder';
import type { Decode } from '../sample/sample-images';
import { checkFunction, checkNames, checkOptionNames } from './check-options';
import { type ComposeOptions, composeModel } from './compose';
import { httpBundle } from './http-bundle';
import { bundleSource, type LoadedSource, type ModelSource, memorySource } from './model-source';
import { Pipeline } from './pipeline';

/**
 * Where a model comes from: the folder of a bundle on a server, a function that gives the files of a bundle, an open
 * bundle, or a model in memory with its recipe.
 */
export type PipelineSource = URL | FetchPiece | BundleModel | LoadedSource;

/** Which part of a model is used, and how its latents become images. */
export interface OpenPipelineOptions extends ComposeOptions {
  /**
   * The autoencoder of a model that works in latents: that of its recipe, told by its hash. From a path it need not be given;
   * the recipe says where it is. It stays the caller's.
   */
  readonly autoencoder?: LoadedAutoencoder;
  /** From what the network denoises to images, in the place of the autoencoder; whoever gives it answers for it. */
  readonly decode?: Decode;
}

/**
 * Opens a model to sample images from. Its recipe (diffusion process, sampler, guidance) comes with it. Of a bundle on a
 * server only the files of the classes that are named are fetched. Needs a backend of tfjs.
 *
 * @param source - where the model comes from; a model in memory stays the caller's.
 * @param options - classes and a budget to compose a smaller model, a decoder of latents.
 * @returns a pipeline that the caller disposes.
 * @throws ConfigError for an unknown class or option, a dense DiT that shall be composed, a bundle without a recipe, and a model
 *   of latents without its autoencoder or with another one;
 *   BundleError for a bundle that cannot be read; an Error that names the least budget where the budget is below it
 */
export async function openPipeline(source: PipelineSource, options: OpenPipelineOptions = {}): Promise<Pipeline> {
  checkOpenOptions(options);
  return pipelineOf(await modelSource(source), options);
}

/** Throws on unknown options of {@link openPipeline}; `more` are further options of another entry. */
export function checkOpenOptions(options: OpenPipelineOptions, more: readonly string[] = []): void {
  checkOptionNames('openPipeline', options, ['classes', 'budget', 'autoencoder', 'decode', ...more]);
  if (options.classes !== undefined) checkNames('classes', options.classes);
  checkFunction('decode', options.decode);
  if (options.decode !== undefined && options.autoencoder !== undefined) {
    throw new ConfigError('decode: expected one of decode and autoencoder, got both');
  }
}

/** The decoder that the options give; undefined for a model of pixels without one. */
function decoderOf(source: ModelSource, { autoencoder, decode }: OpenPipelineOptions): Decode | undefined {
  if (decode !== undefined) return decode;
  if (autoencoder !== undefined) return latentDecoder(source.recipe, autoencoder);
  const wanted = recipeAutoencoder(source.recipe);
  if (wanted === undefined) return undefined;
  throw new ConfigError(
    `autoencoder: the model works in latents of ${autoencoderWords(wanted)}; give that autoencoder to decode them`,
  );
}

/** Loads the model of a source into a pipeline; `release` frees what its decoder holds, when the pipeline is disposed. */
export async function pipelineOf(
  source: ModelSource,
  options: OpenPipelineOptions,
  release?: () => void,
): Promise<Pipeline> {
  const { classes, budget } = options;
  const decode = decoderOf(source, options);
  return new Pipeline({ ...(await composeModel(source, { classes, budget })), recipe: source.recipe, decode, release });
}

/** What a source that is no path is. */
export async function modelSource(source: PipelineSource): Promise<ModelSource> {
  if (typeof source === 'function') return bundleSource(source);
  if (source instanceof URL) return bundleSource(httpBundle(source));
  if (typeof source === 'object' && source !== null) {
    if ('params' in source && 'metadata' in source) return memorySource(source);
    if ('model' in source) return memorySource(source);
  }
  throw new ConfigError(
    'source: expected a URL, a function that gives the files of a bundle, an open bundle or { model, recipe }',
  );
}
