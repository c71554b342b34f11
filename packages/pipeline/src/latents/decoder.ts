import type { Autoencoder } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { checkSameAutoencoder, type RecipeAutoencoder, recipeAutoencoder } from '../recipe/autoencoder';
import type { Decode } from '../sample/sample-images';

/** An autoencoder in memory, and what tells it from others. */
export interface LoadedAutoencoder {
  /** SHA-256 of its weights and configuration, as `vaeHash` of `@learngene/vae` gives it. */
  readonly hash: string;
  /** What messages call it. */
  readonly name?: string;
  /** Its encoder and decoder; whoever loaded it disposes it. */
  readonly autoencoder: Autoencoder;
}

/**
 * The decoder of a model's latents: from what the network denoises to images in [-1, 1].
 *
 * @param loaded - not disposed; it has to live as long as the decoder is used.
 * @throws ConfigError for another autoencoder than that of the recipe, naming both, and for a recipe of pixels
 */
export function latentDecoder(recipe: Pick<Config, 'autoencoder'>, loaded: LoadedAutoencoder): Decode {
  const wanted = recipeAutoencoder(recipe);
  if (wanted === undefined) {
    throw new ConfigError('autoencoder: the model works in pixels and takes none; leave it out');
  }
  checkSameAutoencoder(wanted, loaded, { argument: 'autoencoder', owner: 'the model works in latents' });
  const { autoencoder } = loaded;
  if (autoencoder.latentChannels !== wanted.latentChannels || autoencoder.downscale !== wanted.downscale) {
    const sizes = ({ latentChannels, downscale }: Pick<RecipeAutoencoder, 'latentChannels' | 'downscale'>) =>
      `${latentChannels} channels and a downscale of ${downscale}`;
    throw new ConfigError(`autoencoder: expected ${sizes(wanted)}, got ${sizes(autoencoder)}`);
  }
  const { scalingFactor, shiftFactor } = wanted;
  return (latents) =>
    tf.tidy(() => autoencoder.decode(tf.add<tf.Tensor4D>(tf.div(latents, scalingFactor), shiftFactor)));
}
