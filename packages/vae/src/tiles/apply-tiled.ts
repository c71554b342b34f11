import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkImages, checkLatents, decodeVae } from '../apply';
import { type VaeConfig, vaeDownscale } from '../config';
import { checkConfig, checkOptions, checkParams } from '../core/arguments';
import { encodeKl } from '../kl/apply';
import type { KlVaeParams } from '../kl/params';
import type { VaeParams } from '../params';
import { type Posterior, splitMoments } from '../posterior';
import { encodeTiny } from '../tiny/apply';
import type { TinyVaeParams } from '../tiny/params';
import { applyBlended, type BlendedTiles } from './blended';
import { applyLocally } from './local';
import { decoderReach, encoderReach, isLocal } from './reach';

/** Settings of {@link encodeVaeTiled} and {@link decodeVaeTiled}. */
export interface TiledVaeOptions {
  /** The configuration that the parameters were made for; trusted, see `validateVaeConfig`. */
  readonly config: VaeConfig;
  /** Side of a tile in pixels of the image (default: `sampleSize` of an AutoencoderKL, 512 of a tiny one). */
  readonly tile?: number;
  /**
   * Share of a tile in [0, 1) that overlaps the next, where tiles are blended (default 0.25, as in diffusers). Autoencoders
   * without norm take what they need instead.
   */
  readonly overlap?: number;
}

/**
 * `encodeVae` tile by tile: the memory for intermediate results is that of one tile, whatever the size of the images.
 *
 * Without norm and attention the result is that of the whole image up to rounding: a tile is computed with a halo as wide as
 * the encoder sees. Others see the whole image; there tiles overlap and are blended as in diffusers' `AutoencoderKL`, which
 * is close to the whole image's result but not the same. Images no larger than a tile are encoded whole. Not for training.
 *
 * @param images - see `encodeVae`.
 * @returns See `encodeVae`.
 * @throws as `encodeVae`, and for a tile or an overlap that does not fit the downscale factor
 */
export function encodeVaeTiled(params: VaeParams, images: Tensor4D, options: TiledVaeOptions): Posterior {
  const { config, tile, overlap } = settings(params, 'encoder', options);
  checkImages(images, config);
  const factor = vaeDownscale(config);
  const encode = (part: Tensor4D): Tensor4D =>
    config.type === 'tiny'
      ? encodeTiny(params as TinyVaeParams, part, config)
      : encodeKl(params as KlVaeParams, part, config);
  const moments = tf.tidy(() => {
    if (fits(images, tile)) return encode(images);
    if (isLocal(config)) {
      return applyLocally(images, encode, { tile, halo: encoderReach(config, factor), scale: 1 / factor });
    }
    const { step, faded } = overlapping(tile, overlap, factor);
    return applyBlended(images, encode, {
      tile,
      step,
      blend: faded / factor,
      limit: step / factor,
    } satisfies BlendedTiles);
  });
  if (config.type === 'tiny') return { mean: moments };
  const [mean, logVariance] = tf.tidy(() => splitMoments(moments));
  moments.dispose();
  return { mean, logVariance };
}

/**
 * `decodeVae` tile by tile; as {@link encodeVaeTiled}.
 *
 * @param latents - see `decodeVae`.
 * @returns See `decodeVae`.
 * @throws as `decodeVae`, and for a tile or an overlap that does not fit the downscale factor
 */
export function decodeVaeTiled(params: VaeParams, latents: Tensor4D, options: TiledVaeOptions): Tensor4D {
  const { config, tile, overlap } = settings(params, 'decoder', options);
  checkLatents(latents, config);
  const factor = vaeDownscale(config);
  const decode = (part: Tensor4D): Tensor4D => decodeVae(params, part, { config });
  return tf.tidy(() => {
    if (fits(latents, tile / factor)) return decode(latents);
    if (isLocal(config)) {
      return applyLocally(latents, decode, { tile: tile / factor, halo: decoderReach(config), scale: factor });
    }
    const { step, faded } = overlapping(tile, overlap, factor);
    return applyBlended(latents, decode, { tile: tile / factor, step: step / factor, blend: faded, limit: step });
  });
}

function fits({ shape: [, H, W] }: Tensor4D, tile: number): boolean {
  return H <= tile && W <= tile;
}

function settings(params: VaeParams, part: 'encoder' | 'decoder', options: TiledVaeOptions): Required<TiledVaeOptions> {
  checkParams(params, [part]);
  checkOptions(options, ['config', 'tile', 'overlap']);
  checkConfig(options.config);
  const { config, overlap = 0.25 } = options;
  const { tile = config.type === 'kl' ? config.sampleSize : 512 } = options;
  const factor = vaeDownscale(config);
  if (!Number.isSafeInteger(tile) || tile < factor || tile % factor !== 0) {
    throw new Error(`tile: expected a multiple of ${factor} pixels, got ${tile}`);
  }
  if (!(typeof overlap === 'number' && overlap >= 0 && overlap < 1)) {
    throw new Error(`overlap: expected a share in [0, 1), got ${overlap}`);
  }
  return { config, tile, overlap };
}

/** Pixels between the starts of two tiles, and over which they are blended. */
function overlapping(tile: number, overlap: number, factor: number): { step: number; faded: number } {
  const faded = tile * overlap;
  if (faded % factor !== 0) {
    throw new Error(`overlap: expected a multiple of ${factor} pixels of a tile of ${tile}, got ${faded}`);
  }
  return { step: tile - faded, faded };
}
