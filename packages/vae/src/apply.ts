import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type VaeConfig, vaeDownscale } from './config';
import { checkConfig, checkOptions, checkParams, checkTensor } from './core/arguments';
import { decodeKl, encodeKl } from './kl/apply';
import type { KlVaeParams } from './kl/params';
import type { VaeParams } from './params';
import { type Posterior, splitMoments } from './posterior';
import { decodeTiny, encodeTiny } from './tiny/apply';
import type { TinyVaeParams } from './tiny/params';

/** Settings of {@link encodeVae} and {@link decodeVae}. */
export interface ApplyVaeOptions {
  /** The configuration that the parameters were made for; trusted, see `validateVaeConfig`. */
  readonly config: VaeConfig;
}

/**
 * The posterior of images' latents. A tiny autoencoder is deterministic: its posterior has a mean alone.
 *
 * Latents are raw, as the autoencoder itself has them; see `scaleLatents` for what a diffusion model sees.
 *
 * @param params - never disposed.
 * @param images - f32 [N, H, W, C], pixels in [-1, 1], sides multiples of `vaeDownscale(config)`; never disposed.
 * @returns Tensors [N, H / f, W / f, Z] with f = `vaeDownscale(config)`, owned by the caller. Differentiable in the parameters
 *   and the images.
 * @throws when the images do not fit the config
 */
export function encodeVae(params: VaeParams, images: Tensor4D, options: ApplyVaeOptions): Posterior {
  const config = configOf(params, 'encoder', options);
  checkImages(images, config);
  const [mean, logVariance] = tf.tidy(() => {
    if (config.type === 'tiny') return [encodeTiny(params as TinyVaeParams, images, config)];
    return splitMoments(encodeKl(params as KlVaeParams, images, config));
  });
  return { mean, ...(logVariance && { logVariance }) };
}

/**
 * Images of latents.
 *
 * @param params - never disposed.
 * @param latents - f32 [N, h, w, Z], raw, see `encodeVae`; never disposed.
 * @returns f32 [N, f h, f w, C] with f = `vaeDownscale(config)`: pixels in [-1, 1] but for over- and undershoots. Owned by the
 *   caller. Differentiable in the parameters and the latents.
 * @throws when the latents do not fit the config
 */
export function decodeVae(params: VaeParams, latents: Tensor4D, options: ApplyVaeOptions): Tensor4D {
  const config = configOf(params, 'decoder', options);
  checkLatents(latents, config);
  return tf.tidy(() =>
    config.type === 'tiny'
      ? decodeTiny(params as TinyVaeParams, latents, config)
      : decodeKl(params as KlVaeParams, latents, config),
  );
}

function configOf(params: VaeParams, part: 'encoder' | 'decoder', options: ApplyVaeOptions): VaeConfig {
  checkParams(params, [part]);
  checkOptions(options, ['config']);
  checkConfig(options.config);
  return options.config;
}

/** Throws unless `images` is [N, H, W, imageChannels] with sides that are multiples of the downscale factor. */
export function checkImages(images: Tensor4D, config: VaeConfig): void {
  const { imageChannels } = config;
  const factor = vaeDownscale(config);
  const { shape, dtype } = shapeOf('images', images);
  const fits = shape.length === 4 && shape[3] === imageChannels && shape[1] % factor === 0 && shape[2] % factor === 0;
  if (!fits || shape.includes(0) || dtype !== 'float32') {
    const sides = `H and W multiples of ${factor}`;
    throw new Error(
      `images: expected float32 [N, H, W, ${imageChannels}], ${sides}, got ${dtype} [${shape.join(', ')}]`,
    );
  }
}

/** Throws unless `latents` is [N, h, w, latentChannels]. */
export function checkLatents(latents: Tensor4D, { latentChannels }: VaeConfig): void {
  const { shape, dtype } = shapeOf('latents', latents);
  if (shape.length !== 4 || shape[3] !== latentChannels || shape.includes(0) || dtype !== 'float32') {
    throw new Error(`latents: expected float32 [N, h, w, ${latentChannels}], got ${dtype} [${shape.join(', ')}]`);
  }
}

function shapeOf(name: string, x: Tensor4D): { shape: readonly number[]; dtype: string } {
  checkTensor(name, x);
  return { shape: x.shape as number[], dtype: x.dtype };
}
