import { applyConv, applyLinear, attention, groupNorm, upsampleNearest } from '@learngene/nn';
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { KlVaeConfig } from './config';
import type { KlBlockParams, KlMidParams, KlVaeParams, NormParams } from './params';

// Axes: N images, H W their sides, h w the latent's, C channels of a level, Z latent channels.

const EPS = 1e-6;

/** Moments of the posterior, raw: mean, then log variance, [N, h, w, 2Z]. Call it inside a tidy. */
export function encodeKl({ encoder, quant }: KlVaeParams, images: Tensor4D, config: KlVaeConfig): Tensor4D {
  let x = applyConv(encoder.in, images); // [N, H, W, C]
  for (let level = 0; level < config.widths.length; level++) {
    const { blocks, down } = encoder.levels[level];
    x = applyBlocks(blocks, x, config); // the same sides
    if (down) x = applyConv(down, x, { stride: 2, pad: [0, 1] }); // [N, H/2, W/2, C]
  }
  x = applyMid(encoder.mid, x, config); // [N, h, w, C]
  const moments = applyConv(encoder.out, normSilu(encoder.norm, x, config)); // [N, h, w, 2 Z]
  return quant ? applyConv(quant, moments) : moments;
}

/** Images of latents; both raw, see `decodeVae`. Call it inside a tidy. */
export function decodeKl({ decoder, postQuant }: KlVaeParams, latents: Tensor4D, config: KlVaeConfig): Tensor4D {
  const z = postQuant ? applyConv(postQuant, latents) : latents; // [N, h, w, Z]
  let x = applyMid(decoder.mid, applyConv(decoder.in, z), config); // [N, h, w, C]
  for (let level = 0; level < config.widths.length; level++) {
    const { blocks, up } = decoder.levels[level];
    x = applyBlocks(blocks, x, config); // the same sides
    if (up) x = applyConv(up, upsampleNearest(x)); // [N, 2h, 2w, C]
  }
  return applyConv(decoder.out, normSilu(decoder.norm, x, config)); // [N, H, W, 3]
}

function applyBlocks(blocks: Readonly<Record<string, KlBlockParams>>, x: Tensor4D, config: KlVaeConfig): Tensor4D {
  let y = x;
  for (let block = 0; blocks[block] !== undefined; block++) y = applyBlock(blocks[block], y, config);
  return y;
}

function applyBlock({ norm1, conv1, norm2, conv2, skip }: KlBlockParams, x: Tensor4D, config: KlVaeConfig): Tensor4D {
  const inner = applyConv(conv1, normSilu(norm1, x, config)); // [N, H, W, C]
  return applyConv(conv2, normSilu(norm2, inner, config), { residual: skip ? applyConv(skip, x) : x }); // the same
}

function applyMid({ in: first, attn, out }: KlMidParams, input: Tensor4D, config: KlVaeConfig): Tensor4D {
  const x = applyBlock(first, input, config); // [N, h, w, C]
  return applyBlock(out, attn ? applyAttention(attn, x, config) : x, config);
}

function applyAttention(attn: NonNullable<KlMidParams['attn']>, x: Tensor4D, config: KlVaeConfig): Tensor4D {
  const [N, h, w, C] = x.shape;
  const normed = groupNorm(x, { groups: config.normGroups, eps: EPS, ...attn.norm });
  const tokens = tf.reshape(normed, [N, h * w, C]) as Tensor3D; // [N, T, C]
  const [q, k, v] = [attn.q, attn.k, attn.v].map((layer) => applyLinear(layer, tokens) as Tensor3D); // each [N, T, C]
  const mixed = applyLinear(attn.o, attention(q, k, v, { heads: 1 })); // [N, T, C]
  return tf.add(x, tf.reshape(mixed, [N, h, w, C])) as Tensor4D;
}

function normSilu(norm: NormParams, x: Tensor4D, { normGroups }: KlVaeConfig): Tensor4D {
  return groupNorm(x, { groups: normGroups, eps: EPS, ...norm, activation: 'silu' });
}
