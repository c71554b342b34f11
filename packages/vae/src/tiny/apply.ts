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
import { chain, type Step } from '../core/chain';
import type { TinyVaeConfig } from './config';
import { POOL_GROUPS } from './layers';
import type { TinyBlockParams, TinyBlocks, TinyVaeParams } from './params';

// Axes: N images, H W their sides, h w the latent's, C channels of a level, Z latent channels.

/** Latents of images; both raw, see `encodeVae`. */
export function encodeTiny({ encoder }: TinyVaeParams, images: Tensor4D, config: TinyVaeConfig): Tensor4D {
  const steps: Step[] = [(x) => tf.add(x, 1), (x) => tf.div(x, 2)]; // [N, H, W, 3], in [0, 1]
  for (let level = 0; level < config.encoderWidths.length; level++) {
    const { in: into, blocks } = encoder.levels[level];
    if (config.resampling === 'shuffle')
      steps.push(spaceToDepth, (x) => applyConv(into, x)); // [N, H/2, W/2, C]
    else steps.push((x) => applyConv(into, x, level === 0 ? {} : { stride: 2, pad: 1 })); // the same; level 0 [N, H, W, C]
    steps.push(...blockSteps(blocks, config)); // the same
  }
  steps.push((x) => applyConv(encoder.out, x)); // [N, h, w, Z]
  if (config.latentClamp === 'encoder') steps.push(clampLatents);
  return chain(images, steps);
}

/** Images of latents; both raw, see `decodeVae`. */
export function decodeTiny({ decoder }: TinyVaeParams, latents: Tensor4D, config: TinyVaeConfig): Tensor4D {
  const steps: Step[] = config.latentClamp === 'decoder' ? [clampLatents] : []; // [N, h, w, Z]
  steps.push((z) => applyConv(decoder.in, z)); // [N, h, w, C]
  if (config.blockOrder === 'post-activation') steps.push((x) => activate(x, config));
  const last = config.decoderWidths.length - 1;
  for (let level = 0; level <= last; level++) {
    const { blocks, out } = decoder.levels[level];
    steps.push(...blockSteps(blocks, config)); // the same
    if (config.resampling === 'shuffle')
      steps.push((x) => applyConv(out, x), depthToSpace); // [N, 2h, 2w, C]
    else steps.push(...(level === last ? [] : [upsampleNearest]), (x) => applyConv(out, x)); // the same; last [N, H, W, 3]
  }
  return chain(latents, [...steps, (x) => tf.mul(x, 2), (x) => tf.sub(x, 1)]); // [N, H, W, 3], in [-1, 1]
}

/** 3 tanh(z / 3): the identity near 0, and never beyond 3. */
function clampLatents(latents: Tensor4D): Tensor4D {
  return tf.mul(tf.tanh(tf.div(latents, 3)), 3) as Tensor4D;
}

function blockSteps(blocks: TinyBlocks | undefined, config: TinyVaeConfig): Step[] {
  const steps: Step[] = [];
  for (let block = 0; blocks?.[block] !== undefined; block++) steps.push((x) => applyBlock(blocks[block], x, config));
  return steps;
}

function applyBlock({ conv, pool }: TinyBlockParams, input: Tensor4D, config: TinyVaeConfig): Tensor4D {
  const x = pool ? (tf.add(input, applyPool(pool, input)) as Tensor4D) : input;
  const last = config.blockConvs - 1;
  const steps: Step[] = [];
  if (config.blockOrder === 'pre-activation') {
    for (let i = 0; i <= last; i++)
      steps.push(
        (y) => activate(y, config),
        (y) => applyConv(conv[i], y),
      );
    return tf.add(x, chain(x, steps)) as Tensor4D;
  }
  for (let i = 0; i < last; i++) steps.push((y) => convThenActivate(conv[i], y, config));
  // The last activation is a ReLU whatever the activation: diffusers' `fuse`.
  return chain(x, [...steps, (y) => applyConv(conv[last], y, { residual: x, activation: 'relu' })]);
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
