import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config';
import { checkObject, checkTensor, shown } from './core/arguments';

/**
 * Raw latents as a diffusion model sees them: (latents - shiftFactor) · scalingFactor.
 *
 * @returns Same shape; the caller owns it.
 */
export function scaleLatents(latents: Tensor4D, config: VaeConfig): Tensor4D {
  const { scalingFactor, shiftFactor } = checkedScale(latents, config);
  return tf.tidy(() => tf.mul(tf.sub(latents, shiftFactor), scalingFactor) as Tensor4D);
}

/**
 * A diffusion model's latents as the decoder takes them: latents / scalingFactor + shiftFactor; undoes {@link scaleLatents}.
 *
 * @returns Same shape; the caller owns it.
 */
export function unscaleLatents(latents: Tensor4D, config: VaeConfig): Tensor4D {
  const { scalingFactor, shiftFactor } = checkedScale(latents, config);
  return tf.tidy(() => tf.add(tf.div(latents, scalingFactor), shiftFactor) as Tensor4D);
}

/** Throws unless `latents` is a tensor and the config says how it is scaled. */
function checkedScale(latents: Tensor4D, config: VaeConfig): VaeConfig {
  checkTensor('latents', latents);
  checkObject('config', config);
  for (const name of ['scalingFactor', 'shiftFactor'] as const) {
    if (!Number.isFinite(config[name]))
      throw new Error(`config.${name}: expected a finite number, got ${shown(config[name])}`);
  }
  return config;
}
