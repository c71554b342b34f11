import type { ImageDataset } from '@learngene/datasets';
import { type Config, ConfigError, recipeAutoencoder } from '@learngene/pipeline';

/**
 * The size of what the network of a configuration denoises: the images of a dataset, or their latents.
 *
 * @throws ConfigError for images that the autoencoder does not take
 */
export function networkInput(
  config: Pick<Config, 'autoencoder'>,
  { height, channels }: Pick<ImageDataset, 'height' | 'channels'>,
): { inputSize: number; inChannels: number } {
  const autoencoder = recipeAutoencoder(config);
  if (autoencoder === undefined) return { inputSize: height, inChannels: channels };
  const { downscale, imageChannels, latentChannels } = autoencoder;
  if (channels !== imageChannels) {
    throw new ConfigError(`data: the autoencoder takes images of ${imageChannels} channels, got ${channels}`);
  }
  if (height % downscale !== 0) {
    throw new ConfigError(
      `data: the autoencoder takes images whose sides are multiples of ${downscale} pixels, got ${height} (data.size)`,
    );
  }
  return { inputSize: height / downscale, inChannels: latentChannels };
}
