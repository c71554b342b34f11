import type { Batch, ImageDataset } from '@learngene/datasets';
import {
  type BatchMaker,
  balanceClasses,
  type DiffusionBatch,
  type DiffusionBatchesState,
  diffusionBatch,
  diffusionBatches,
  streamRandomness,
} from '@learngene/trainer';
import { diffusion } from './process';

/** What the batches of a training are made of. */
export interface PlanBatchesOptions {
  /** Images; classes are drawn equally often. */
  data: ImageDataset;
  /** Seeds the order of the images, flips, noise, timesteps and dropped labels; the same for every method. */
  seed: number;
  /** Which training: names the streams. */
  purpose: 'pretraining' | 'transfer';
  batchSize: number;
  flip: boolean;
  labelDropout: number;
  /** Whether samples with a dropped label stay with their class; else they come first. */
  droppedKeepGroup: boolean;
  /** Where they go on, of a checkpoint. */
  state?: unknown;
}

/** The batches of a training: every method sees the same images with the same noise, whatever order suits it. */
export function planBatches(options: PlanBatchesOptions): BatchMaker<DiffusionBatch> {
  const { data, seed, purpose, batchSize, flip, labelDropout, droppedKeepGroup, state } = options;
  return diffusionBatches({
    data: balanceClasses(data),
    batchSize,
    flip,
    seed,
    stream: `${purpose}/batches`,
    randomness: streamRandomness({ process: diffusion, labelDropout, seed, purpose }),
    droppedKeepGroup,
    state: (state as DiffusionBatchesState | undefined)?.images,
  });
}

/** A batch for a method that looks at images before it trains; the caller disposes x0 and noise. */
export function lookBatch(
  { images, labels }: Pick<Batch, 'images' | 'labels'>,
  shape: readonly [height: number, width: number, channels: number],
  { seed, step }: { seed: number; step: number },
): DiffusionBatch {
  const { drawnFor, draw } = streamRandomness({ process: diffusion, labelDropout: 0, seed, purpose: 'look' });
  const draws = draw(step, { count: labels.length, pixels: shape[0] * shape[1] * shape[2] });
  return diffusionBatch({ images, labels }, { shape, draws, drawnFor, droppedKeepGroup: true });
}
