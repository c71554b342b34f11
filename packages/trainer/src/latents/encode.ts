import type { Autoencoder } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { toUnit } from '../batches/diffusion-batch';

/** Height, width and channels. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Which numbers are kept of the Gaussian that an encoder gives. */
export type LatentMoments = 'mean' | 'mean-and-deviation';

/** How {@link encodeImages} encodes. */
export interface EncodeImagesOptions {
  /** Height, width and channels of an image. */
  readonly shape: Shape;
  /** Whether images are mirrored first. */
  readonly mirror: boolean;
  /** Which numbers are kept; an encoder without a variance has means alone. */
  readonly moments: LatentMoments;
}

/** The shape of a latent of images. */
export function latentShape(
  { downscale, latentChannels }: Pick<Autoencoder, 'downscale' | 'latentChannels'>,
  [height, width]: Shape,
): Shape {
  return [height / downscale, width / downscale, latentChannels];
}

/**
 * Encodes images, all at once.
 *
 * @param images uint8 [n, H, W, C].
 * @returns float32 [n, h, w, c]; with deviations [n, h, w, 2c], the means before them.
 * @throws Error for deviations of an encoder that has no variance, and for latents that are NaN or infinite
 */
export async function encodeImages(
  { encode }: Pick<Autoencoder, 'encode'>,
  images: Uint8Array,
  { shape, mirror, moments }: EncodeImagesOptions,
): Promise<Float32Array> {
  const count = images.length / (shape[0] * shape[1] * shape[2]);
  const encoded = tf.tidy(() => {
    const straight = tf.tensor4d(toUnit(images), [count, ...shape]);
    const { mean, logVariance } = encode(mirror ? (tf.reverse(straight, 2) as tf.Tensor4D) : straight);
    if (moments === 'mean') return mean;
    if (logVariance === undefined) {
      throw new Error('moments: expected mean for an autoencoder without a variance, got mean-and-deviation');
    }
    return tf.concat([mean, tf.exp(tf.div(logVariance, 2))], 3);
  });
  try {
    const values = Float32Array.from((await encoded.data()) as Float32Array);
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw new Error(`autoencoder: expected finite latents, got ${values[wrong]}; look at its weights`);
    return values;
  } finally {
    encoded.dispose();
  }
}
