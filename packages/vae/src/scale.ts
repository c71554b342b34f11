import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config';

/**
 * Raw latents as a diffusion model sees them: (latents - shiftFactor) · scalingFactor.
 *
 * @returns Same shape; the caller owns it.
 */
export function scaleLatents(latents: Tensor4D, { scalingFactor, shiftFactor }: VaeConfig): Tensor4D {
  return tf.tidy(() => tf.mul(tf.sub(latents, shiftFactor), scalingFactor) as Tensor4D);
}

/**
 * A diffusion model's latents as the decoder takes them: latents / scalingFactor + shiftFactor; undoes {@link scaleLatents}.
 *
 * @returns Same shape; the caller owns it.
 */
export function unscaleLatents(latents: Tensor4D, { scalingFactor, shiftFactor }: VaeConfig): Tensor4D {
  return tf.tidy(() => tf.add(tf.div(latents, scalingFactor), shiftFactor) as Tensor4D);
}
