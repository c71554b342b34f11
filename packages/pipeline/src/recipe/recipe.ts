import { BundleError } from '@learngene/kind';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { imageSettings } from './image-settings';

/**
 * What travels with a model, so that images are sampled from it anywhere: the diffusion process, sampler, guidance and seed
 * (with the model, the data that it was trained on, and the autoencoder in whose latents it works).
 */
export type Recipe = Pick<Config, 'seed' | 'data' | 'autoencoder' | 'model' | 'diffusion' | 'sampling'>;

/** The recipe of a run. */
export function recipeOf({ seed, data, autoencoder, model, diffusion, sampling }: Recipe): Recipe {
  return { seed, data, ...(autoencoder && { autoencoder }), model, diffusion, sampling };
}

/** The strings that a bundle keeps in kind.json, as JSON: its recipe, and what of it changes images. */
export function bundleMetadata(recipe: Recipe): Record<string, string> {
  return { config: JSON.stringify(recipeOf(recipe)), images: imageSettings(recipe) };
}

/**
 * The recipe in a bundle's metadata, with the defaults of a run for what it does not hold; undefined where it has none.
 *
 * @param source - named in the error, e.g. `kind.json`
 * @throws ConfigError where it is not JSON, or holds an unknown field or a wrong value; BundleError where `metadata.images`, by which
 *   tailors know their base, is that of another recipe
 */
export function readRecipe(metadata: Readonly<Record<string, string>>, source: string): Config | undefined {
  if (metadata.config === undefined) return undefined;
  let recipe: unknown;
  try {
    recipe = JSON.parse(metadata.config);
  } catch (error) {
    throw new ConfigError(`${source}: metadata.config is not JSON`, { cause: error });
  }
  const config = parseConfig(recipe, source);
  const { images } = metadata;
  const own = imageSettings(config);
  if (images !== undefined && images !== own) {
    throw new BundleError(source, `metadata.images: expected ${own}, as its recipe says, got ${images}`);
  }
  return config;
}
