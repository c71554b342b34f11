import type { Batch } from '@learngene/datasets';
import { gateOrder } from '@learngene/nn';
import { createGenerator, normal, randomIntegers, stream, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

/** What one step trains on, in the order of the classes. */
export interface TransferBatch {
  /** [N, H, W, C] in [-1, 1]. */
  x0: tf.Tensor4D;
  /** Standard normal, the shape of x0. */
  noise: tf.Tensor4D;
  /** [N] timesteps. */
  t: Int32Array;
  /** [N] classes. */
  labels: Int32Array;
  /** [N] 1 where the label is dropped. */
  dropped: Uint8Array;
}

/** What a batch is drawn by. */
export interface DrawOptions {
  /** Seed of the training. */
  seed: number;
  /** Which training, so that pre-training and transfer draw apart. */
  purpose: string;
  step: number;
  labelDropout: number;
  timesteps: number;
  /** The first samples of a batch are those without a label, as a model wants them whose null label is a gate of its own. */
  droppedFirst: boolean;
}

/** Pixels in [-1, 1]. */
export function toUnit(bytes: Uint8Array): Float32Array {
  const pixels = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) pixels[i] = bytes[i] / 127.5 - 1;
  return pixels;
}

/**
 * Noise, timesteps and dropped labels of a step. They depend on seed, purpose and step alone, and belong to the pictures as
 * they were drawn: every method sees the same pictures with the same noise, whatever order suits it.
 */
export function drawBatch(
  { images, labels }: Pick<Batch, 'images' | 'labels'>,
  shape: readonly [height: number, width: number, channels: number],
  { seed, purpose, step, labelDropout, timesteps, droppedFirst }: DrawOptions,
): TransferBatch {
  const count = labels.length;
  const pixels = shape[0] * shape[1] * shape[2];
  const g = stream(createGenerator(seed), `${purpose}/${step}`);
  const dropped = Uint8Array.from(uniform(g, count), (u) => (u < labelDropout ? 1 : 0));
  const t = randomIntegers(g, count, { high: timesteps });
  const noise = normal(g, count * pixels);
  const order = gateOrder(labels, dropped, { droppedKeepGroup: !droppedFirst });
  const sorted = (values: Float32Array) => {
    const out = new Float32Array(count * pixels);
    order.forEach((from, to) => {
      out.set(values.subarray(from * pixels, (from + 1) * pixels), to * pixels);
    });
    return tf.tensor4d(out, [count, ...shape]);
  };
  return {
    x0: sorted(toUnit(images)),
    noise: sorted(noise),
    t: Int32Array.from(order, (i) => t[i]),
    labels: Int32Array.from(order, (i) => labels[i]),
    dropped: Uint8Array.from(order, (i) => dropped[i]),
  };
}
