import type { Config } from '../config/schema';
import { ConfigError } from '../errors';

/** The autoencoder of a recipe with all that a model in its latents needs. */
export interface RecipeAutoencoder {
  /** Its folder, where it was when the model was trained; a shipped one has none. */
  readonly path?: string;
  /** Its name. */
  readonly name?: string;
  /** SHA-256 of its weights and configuration. */
  readonly hash: string;
  /** Channels of an image: 3 or 1. */
  readonly imageChannels: number;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Pixels a side of one position of a latent. */
  readonly downscale: number;
  /** The network sees (latents - shiftFactor) · scalingFactor. */
  readonly scalingFactor: number;
  /** See `scalingFactor`. */
  readonly shiftFactor: number;
}

const NEEDED = ['hash', 'imageChannels', 'latentChannels', 'downscale', 'scalingFactor', 'shiftFactor'] as const;

/**
 * The autoencoder of a recipe; undefined for a model of pixels.
 *
 * @throws ConfigError where the recipe names one and not all of what is needed
 */
export function recipeAutoencoder({ autoencoder }: Pick<Config, 'autoencoder'>): RecipeAutoencoder | undefined {
  if (autoencoder === undefined) return undefined;
  const missing = NEEDED.find((name) => autoencoder[name] === undefined);
  if (missing === undefined) return autoencoder as RecipeAutoencoder;
  throw new ConfigError(`autoencoder.${missing}: expected it in the recipe of a model of latents, got none`);
}

/** What messages call an autoencoder: its name or its folder, and the beginning of its hash. */
export function autoencoderWords({ name, path, hash }: Partial<RecipeAutoencoder>): string {
  const known = name ?? path ?? 'an autoencoder without a name';
  return hash === undefined ? known : `${known} (hash ${hash.slice(0, 12)})`;
}

/**
 * Refuses an autoencoder that is not the one in whose latents a model works.
 *
 * @throws ConfigError that names both
 */
export function checkSameAutoencoder(
  wanted: Pick<RecipeAutoencoder, 'hash' | 'name' | 'path'>,
  came: Pick<RecipeAutoencoder, 'hash' | 'name' | 'path'>,
  { argument, owner }: { argument: string; owner: string },
): void {
  if (wanted.hash === came.hash) return;
  throw new ConfigError(
    `${argument}: ${owner} of ${autoencoderWords(wanted)}, got ${autoencoderWords(came)}; other latents would be other images`,
    { argument },
  );
}

/** The shape of an image that is sampled. */
export interface SampledShape {
  /** Pixels. */
  height: number;
  /** Pixels. */
  width: number;
  /** 3 for colour, 1 for grey. */
  channels: number;
}

/** Height, width and channels of the images that a network samples: those of its input, or those that are decoded. */
export function sampledShape(
  { inputSize, inChannels }: { readonly inputSize: number; readonly inChannels: number },
  recipe: Pick<Config, 'autoencoder'>,
): SampledShape {
  const autoencoder = recipeAutoencoder(recipe);
  if (autoencoder === undefined) return { height: inputSize, width: inputSize, channels: inChannels };
  const side = inputSize * autoencoder.downscale;
  return { height: side, width: side, channels: autoencoder.imageChannels };
}
