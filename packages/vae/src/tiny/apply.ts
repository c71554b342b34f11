import {
  applyConv,
  type ConvParams,
  depthToSpace,
  groupNorm,
  silu,
  spaceToDepth,
  upsampleNearest,
} from '@learngene/nn';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TinyVaeConfig } from './config';
import { POOL_GROUPS } from './layers';
import type { TinyBlockParams, TinyBlocks, TinyVaeParams } from './params';

// Axes: N images, H W their sides, h w the latent's, C channels of a level, Z latent channels.

/** Latents of images; both raw, see `encodeVae`. Call it inside a tidy. */
export function encodeTiny({ encoder }: TinyVaeParams, images: Tensor4D, config: TinyVaeConfig): Tensor4D {
  let x = tf.div(tf.add(images, 1), 2) as Tensor4D; // [N, H, W, 3], in [0, 1]
  for (let level = 0; level < config.encoderWidths.length; level++) {
    const { in: into, blocks } = encoder.levels[level];
    if (config.resampling === 'shuffle')
      x = applyConv(into, spaceToDepth(x)); // [N, H/2, W/2, C]
    else x = applyConv(into, x, level === 0 ? {} : { stride: 2, pad: 1 }); // [N, H/2, W/2, C]; level 0 [N, H, W, C]
    x = applyBlocks(blocks, x, config); // the same
  }
  const latents = applyConv(encoder.out, x); // [N, h, w, Z]
  return config.latentClamp === 'encoder' ? clampLatents(latents) : latents;
}

/** Images of latents; both raw, see `decodeVae`. Call it inside a tidy. */
export function decodeTiny({ decoder }: TinyVaeParams, latents: Tensor4D, config: TinyVaeConfig): Tensor4D {
  const z = config.latentClamp === 'decoder' ? clampLatents(latents) : latents; // [N, h, w, Z]
  let x = applyConv(decoder.in, z); // [N, h, w, C]
  if (config.blockOrder === 'post-activation') x = activate(x, config);
  const last = config.decoderWidths.length - 1;
  for (let level = 0; level <= last; level++) {
    const { blocks, out } = decoder.levels[level];
    x = applyBlocks(blocks, x, config); // the same
    if (config.resampling === 'shuffle')
      x = depthToSpace(applyConv(out, x)); // [N, 2h, 2w, C]
    else x = applyConv(out, level === last ? x : upsampleNearest(x)); // [N, 2h, 2w, C]; the last level [N, H, W, 3]
  }
  return tf.sub(tf.mul(x, 2), 1) as Tensor4D; // [N, H, W, 3], in [-1, 1]
}

/** 3 tanh(z / 3): the identity near 0, and never beyond 3. */
function clampLatents(latents: Tensor4D): Tensor4D {
  return tf.mul(tf.tanh(tf.div(latents, 3)), 3) as Tensor4D;
}

function applyBlocks(blocks: TinyBlocks | undefined, x: Tensor4D, config: TinyVaeConfig): Tensor4D {
  let y = x;
  for (let block = 0; blocks?.[block] !== undefined; block++) y = applyBlock(blocks[block], y, config);
  return y;
}

function applyBlock({ conv, pool }: TinyBlockParams, input: Tensor4D, config: TinyVaeConfig): Tensor4D {
  const x = pool ? (tf.add(input, applyPool(pool, input)) as Tensor4D) : input;
  const last = config.blockConvs - 1;
  let y = x;
  if (config.blockOrder === 'pre-activation') {
    for (let i = 0; i <= last; i++) y = applyConv(conv[i], activate(y, config));
    return tf.add(x, y) as Tensor4D;
  }
  for (let i = 0; i < last; i++) y = convThenActivate(conv[i], y, config);
  return applyConv(conv[last], y, { residual: x, activation: 'relu' }); // whatever the activation: diffusers' `fuse`
}

/** Group norm mixes a whole channel group of the image: what a convolution of small reach cannot see. */
function applyPool(pool: NonNullable<TinyBlockParams['pool']>, x: Tensor4D): Tensor4D {
  const wide = applyConv(pool.in, x); // [N, h, w, 4 C]
  const normed = groupNorm(wide, { groups: POOL_GROUPS, ...pool.norm, activation: 'relu' });
  return applyConv(pool.out, normed); // [N, h, w, C]
}

function activate(x: Tensor4D, { activation }: TinyVaeConfig): Tensor4D {
  return activation === 'relu' ? tf.relu(x) : silu(x);
}

/** A ReLU is part of the convolution's kernel where a backend has such a one. */
function convThenActivate(layer: ConvParams, x: Tensor4D, config: TinyVaeConfig): Tensor4D {
  return config.activation === 'relu' ? applyConv(layer, x, { activation: 'relu' }) : silu(applyConv(layer, x));
}
