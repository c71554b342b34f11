import type { Batch } from '@learngene/datasets';
import { gateOrder } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionBatch } from '../contracts/diffusion';
import type { BatchDraws, BatchRandomness } from './randomness';

/** What a batch is made of. */
export interface DiffusionSamples extends Pick<Batch, 'labels'> {
  /** uint8 pixels [N, H, W, C], or float32 latents as the network sees them. */
  readonly images: Uint8Array | Float32Array;
}

/** How {@link diffusionBatch} makes its tensors. */
export interface DiffusionBatchOptions {
  /** Height, width and channels of an image or a latent. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** What is drawn for the batch. */
  readonly draws: BatchDraws;
  /** Whether noise and timesteps belong to the images, or to the positions in the batch. */
  readonly drawnFor: BatchRandomness['drawnFor'];
  /** Whether samples with a dropped label stay with their class. Otherwise they come first. */
  readonly droppedKeepGroup: boolean;
}

/** The number in [-1, 1] of every value of a pixel. */
const UNIT = Float32Array.from({ length: 256 }, (_, value) => value / 127.5 - 1);

/** uint8 pixels as numbers in [-1, 1]. */
export function toUnit(bytes: Uint8Array): Float32Array {
  const pixels = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) pixels[i] = UNIT[bytes[i]];
  return pixels;
}

/**
 * Puts images or latents and draws in the order of the class gate and makes tensors of them.
 *
 * @returns a batch; the caller disposes x0 and noise
 */
export function diffusionBatch(
  { images, labels }: DiffusionSamples,
  { shape, draws, drawnFor, droppedKeepGroup }: DiffusionBatchOptions,
): DiffusionBatch {
  const count = labels.length;
  const pixels = shape[0] * shape[1] * shape[2];
  const order = gateOrder(labels, draws.dropped, { droppedKeepGroup });
  const rows = <T extends Float32Array | Uint8Array>(values: T): T => {
    const sorted = values.slice() as T;
    order.forEach((from, to) => {
      sorted.set(values.subarray(from * pixels, (from + 1) * pixels), to * pixels);
    });
    return sorted;
  };
  const ofImages = drawnFor === 'images';
  const inOrder = <T extends Int32Array | Float32Array>(values: T): T =>
    (ofImages ? values.map((_, i) => values[order[i]]) : values) as T;
  const tensor = (values: Float32Array) => tf.tensor4d(values, [count, ...shape]);
  return {
    x0: tensor(images instanceof Uint8Array ? toUnit(rows(images)) : rows(images)),
    noise: tensor(ofImages ? rows(draws.noise) : draws.noise),
    t: inOrder(draws.t),
    labels: Int32Array.from(order, (i) => labels[i]),
    dropped: Uint8Array.from(order, (i) => draws.dropped[i]),
    ...(draws.weights && { weights: inOrder(draws.weights) }),
  };
}
