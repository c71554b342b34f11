import type { BatchState, ImageDataset } from '@learngene/datasets';
import { createGenerator, stream } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import type { BatchMaker } from '../contracts/batch-maker';
import type { DiffusionBatch } from '../contracts/diffusion';
import { diffusionBatch } from './diffusion-batch';
import type { BatchRandomness } from './randomness';
import { sampleBatches } from './samples';

/** What {@link diffusionBatches} makes its batches of. */
export interface DiffusionBatchesOptions {
  /** Images to train on; their latents, where they have any. */
  data: ImageDataset;
  /** Images of a batch; all images where there are fewer. */
  batchSize: number;
  /** Whether images are mirrored at random. */
  flip: boolean;
  /** Seed of the training; the order of the images and the flips come from its stream `stream`. */
  seed: number;
  /** The name of the stream. */
  stream: string;
  /** Noise, timesteps and dropped labels. */
  randomness: BatchRandomness;
  /** Whether samples with a dropped label stay with their class. Otherwise they come first in a batch. */
  droppedKeepGroup: boolean;
  /** Batches that are read ahead (default 1). */
  prefetch?: number;
  /** Where the order of the images continues: `images` of an earlier `state()` (default: at the beginning). */
  state?: BatchState;
}

/** The state of a {@link diffusionBatches} in a checkpoint, without the state of its randomness. */
export interface DiffusionBatchesState extends Readonly<Record<string, unknown>> {
  /** The position in the order of the images. */
  readonly images: BatchState;
}

/** The batches of a diffusion model, in the order of the class gate. */
export function diffusionBatches(options: DiffusionBatchesOptions): BatchMaker<DiffusionBatch> {
  const { data, flip, randomness, droppedKeepGroup, prefetch, state } = options;
  const batchSize = Math.min(options.batchSize, data.size);
  const seed = Number(stream(createGenerator(options.seed), options.stream).seed);
  const images = sampleBatches(data, { batchSize, flip, seed, state, ...(prefetch !== undefined && { prefetch }) });
  const { shape } = images;
  const pixels = shape[0] * shape[1] * shape[2];
  return {
    batchSize,
    async next(step) {
      const drawn = await images.next(step);
      const draws = randomness.draw(step, { count: drawn.labels.length, pixels });
      return diffusionBatch(drawn, { shape, draws, drawnFor: randomness.drawnFor, droppedKeepGroup });
    },
    release: ({ x0, noise }) => tf.dispose([x0, noise]),
    observe({ t }, { sampleLosses }) {
      if (sampleLosses) randomness.observe?.(t, sampleLosses);
    },
    state: (): DiffusionBatchesState => ({ images: images.state(), ...randomness.state() }),
    close: () => images.close(),
  };
}
