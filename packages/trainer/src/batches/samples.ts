import {
  type BatchOptions,
  type BatchState,
  createBatches,
  createLatentBatches,
  type ImageDataset,
} from '@learngene/datasets';
import { createGenerator, normal, stream } from '@learngene/random';
import type { DiffusionSamples } from './diffusion-batch';

/** The samples of a dataset, batch by batch: its latents where it has any, else its images. */
export interface SampleBatches {
  /** Height, width and channels of a sample. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** The samples of a step, counted from 0. */
  next(step: number): Promise<DiffusionSamples>;
  /** The place in the order of the samples. */
  state(): BatchState;
  /** Stops reading ahead. */
  close(): void;
}

/** Opens the samples of a dataset. Latents that are kept with their deviation are drawn anew at every step, by the seed. */
export function sampleBatches(data: ImageDataset, options: BatchOptions & { readonly seed: number }): SampleBatches {
  const { latents } = data;
  if (latents === undefined) {
    const { next, state, close } = createBatches(data, options);
    return { shape: [data.height, data.width, data.channels], next, state, close };
  }
  const { next, state, close } = createLatentBatches(data, options);
  const { height, width, channels, hasDeviation } = latents;
  return {
    shape: [height, width, channels],
    async next(step) {
      const { latents: rows, labels } = await next();
      if (!hasDeviation) return { images: rows, labels };
      return { images: drawLatents(rows, channels, { seed: options.seed, step }), labels };
    },
    state,
    close,
  };
}

/** mean + deviation · noise, of rows [.., 2c] with the means first. */
function drawLatents(
  rows: Float32Array,
  channels: number,
  { seed, step }: { seed: number; step: number },
): Float32Array {
  const noise = normal(stream(createGenerator(seed), `posterior/${step}`), rows.length / 2);
  const drawn = new Float32Array(noise.length);
  for (let i = 0; i < drawn.length; i++) {
    const at = Math.floor(i / channels) * 2 * channels + (i % channels);
    drawn[i] = rows[at] + rows[at + channels] * noise[i];
  }
  return drawn;
}
