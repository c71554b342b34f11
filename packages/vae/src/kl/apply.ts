import { applyConv, applyLinear, attention, type ConvParams, groupNorm, upsampleNearest } from '@learngene/nn';
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { chain, type Step } from '../core/chain';
import type { KlVaeConfig } from './config';
import type { KlBlockParams, KlMidParams, KlVaeParams, NormParams } from './params';

// Axes: N images, H W their sides, h w the latent's, C channels of a level, Z latent channels.

const EPS = 1e-6;

/** Moments of the posterior, raw: mean, then log variance, [N, h, w, 2Z]. */
export function encodeKl({ encoder, quant }: KlVaeParams, images: Tensor4D, config: KlVaeConfig): Tensor4D {
  const steps: Step[] = [(x) => applyConv(encoder.in, x)]; // [N, H, W, C]
  for (let level = 0; level < config.widths.length; level++) {
    const { blocks, down } = encoder.levels[level];
    steps.push(...blockSteps(blocks, config)); // the same sides
    if (down) steps.push((x) => applyConv(down, x, { stride: 2, pad: [0, 1] })); // [N, H/2, W/2, C]
  }
  steps.push(...midSteps(encoder.mid, config), ...outSteps(encoder, config)); // [N, h, w, C], [N, h, w, 2 Z]
  if (quant) steps.push((moments) => applyConv(quant, moments));
  return chain(images, steps);
}

/** Images of latents; both raw, see `decodeVae`. */
export function decodeKl({ decoder, postQuant }: KlVaeParams, latents: Tensor4D, config: KlVaeConfig): Tensor4D {
  const steps: Step[] = postQuant ? [(z) => applyConv(postQuant, z)] : []; // [N, h, w, Z]
  steps.push((z) => applyConv(decoder.in, z), ...midSteps(decoder.mid, config)); // [N, h, w, C]
  for (let level = 0; level < config.widths.length; level++) {
    const { blocks, up } = decoder.levels[level];
    steps.push(...blockSteps(blocks, config)); // the same sides
    if (up) steps.push(upsampleNearest, (x) => applyConv(up, x)); // [N, 2h, 2w, C]
  }
  return chain(latents, [...steps, ...outSteps(decoder, config)]); // [N, H, W, 3]
}

function blockSteps(blocks: Readonly<Record<string, KlBlockParams>>, config: KlVaeConfig): Step[] {
  const steps: Step[] = [];
  for (let block = 0; blocks[block] !== undefined; block++) steps.push((x) => applyBlock(blocks[block], x, config));
  return steps;
}

function applyBlock({ norm1, conv1, norm2, conv2, skip }: KlBlockParams, x: Tensor4D, config: KlVaeConfig): Tensor4D {
  return chain(x, [
    (y) => normSilu(norm1, y, config),
    (y) => applyConv(conv1, y), // [N, H, W, C]
    (y) => normSilu(norm2, y, config),
    (y) => applyConv(conv2, y, { residual: skip ? applyConv(skip, x) : x }), // the same
  ]);
}

function midSteps({ in: first, attn, out }: KlMidParams, config: KlVaeConfig): Step[] {
  const mixing: Step[] = attn ? [(x) => applyAttention(attn, x, config)] : [];
  return [(x) => applyBlock(first, x, config), ...mixing, (x) => applyBlock(out, x, config)]; // each [N, h, w, C]
}

function outSteps({ norm, out }: { readonly norm: NormParams; readonly out: ConvParams }, config: KlVaeConfig): Step[] {
  return [(x) => normSilu(norm, x, config), (x) => applyConv(out, x)];
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
