import { classCounts, type ImageDataset, type LatentRows } from '@learngene/datasets';
import type { DiffusionProcess } from '@learngene/pipeline';
import { createGenerator, normal, stream } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionBatch } from '../contracts/diffusion';
import { toUnit } from './diffusion-batch';

/** Held-out images with fixed noise, and with timesteps that are spread evenly within each class. */
export interface ValidationSet {
  /** Images. */
  count: number;
  /** [N * H * W * C] in [-1, 1]. */
  pixels: Float32Array;
  /** [N * H * W * C] standard normal. */
  noise: Float32Array;
  /** [N] timesteps, or times of a flow. */
  t: Int32Array | Float32Array;
  /** [N] class ids. */
  labels: Int32Array;
  /** Height, width and channels. */
  shape: readonly [number, number, number];
}

/**
 * Makes a validation set, of latents where the images have any. It depends only on the images and the process.
 *
 * @throws RangeError for a third argument: there are no options
 */
export async function validationSet(
  images: ImageDataset,
  process: DiffusionProcess,
  ...more: never[]
): Promise<ValidationSet> {
  if (more.length > 0) throw new RangeError(`validationSet: expected 2 arguments, got ${2 + more.length}`);
  const { latents, labels, size } = images;
  const { height, width, channels } = latents ?? images;
  const counts = classCounts(images);
  const seen = counts.map(() => 0);
  const parts = Array.from(labels, (label) => (seen[label]++ + 0.5) / counts[label]);
  const t =
    process.kind === 'flow'
      ? Float32Array.from(parts)
      : Int32Array.from(parts, (part) => Math.floor(part * process.timesteps));
  const all = Array.from({ length: size }, (_, i) => i);
  const pixels = latents ? await meanLatents(latents, all) : toUnit(await images.read(all));
  const noise = normal(stream(createGenerator(0), 'validation-noise'), pixels.length);
  return { count: size, pixels, noise, t, labels: labels.slice(), shape: [height, width, channels] };
}

/** The means of the latents of whole images, as they stand. */
async function meanLatents(latents: LatentRows, indices: readonly number[]): Promise<Float32Array> {
  const still = new Uint8Array(indices.length);
  const rows = await latents.read(indices, { crops: still, flips: still });
  const { channels, hasDeviation } = latents;
  return hasDeviation ? rows.filter((_, i) => i % (2 * channels) < channels) : rows;
}

/** The batches of a validation set, of at most `batchSize` images; each is freed when the next is asked for. */
export function* validationBatches(
  { count, pixels, noise, t, labels, shape }: ValidationSet,
  batchSize = 64,
): Generator<DiffusionBatch> {
  const each = shape[0] * shape[1] * shape[2];
  for (let start = 0; start < count; start += batchSize) {
    const end = Math.min(count, start + batchSize);
    const part = (values: Float32Array) => tf.tensor4d(values.slice(start * each, end * each), [end - start, ...shape]);
    const batch = {
      x0: part(pixels),
      noise: part(noise),
      t: t.slice(start, end),
      labels: labels.slice(start, end),
      dropped: new Uint8Array(end - start),
    };
    try {
      yield batch;
    } finally {
      tf.dispose([batch.x0, batch.noise]);
    }
  }
}
