import { type ImageDataset, listNames } from '@learngene/datasets';
import { counted, type Progress } from '@learngene/pipeline';
import {
  type BatchMaker,
  balanceClasses,
  type DiffusionBatch,
  type DiffusionBatchesState,
  type DiffusionSamples,
  diffusionBatch,
  diffusionBatches,
  streamRandomness,
} from '@learngene/trainer';
import { diffusion } from './process';

/** The inputs of {@link planBatches}. */
export interface PlanBatchesOptions {
  /** Images, or their latents where they have any; classes are drawn equally often. */
  data: ImageDataset;
  /** Seeds the order of the images, flips, noise, timesteps and dropped labels; the same for every method. */
  seed: number;
  /** The training: it names the streams of random numbers. */
  purpose: 'pretraining' | 'transfer';
  batchSize: number;
  flip: boolean;
  labelDropout: number;
  /** Whether samples with a dropped label stay with their class; else they come first. */
  droppedKeepGroup: boolean;
  /** The state of a checkpoint from which they go on. */
  state?: unknown;
  /** Is warned where there are fewer images than a batch has. */
  progress: Pick<Progress, 'warn'>;
}

/**
 * The batches of a training: every method has the same images with the same noise, whatever the order within a batch. Where
 * there are fewer images than a batch has, it takes all of them, which is said.
 */
export function planBatches(options: PlanBatchesOptions): BatchMaker<DiffusionBatch> {
  const { data, seed, purpose, batchSize, flip, labelDropout, droppedKeepGroup, state, progress } = options;
  const batches = diffusionBatches({
    data: balanceClasses(data),
    batchSize,
    flip,
    seed,
    stream: `${purpose}/batches`,
    randomness: streamRandomness({ process: diffusion, labelDropout, seed, purpose }),
    droppedKeepGroup,
    state: (state as DiffusionBatchesState | undefined)?.images,
  });
  const { batchSize: size } = batches;
  if (size < batchSize) {
    const images = `the ${counted(size, 'image')} of ${listNames(data.classes)}, each class as often as the others`;
    progress.warn(`${purpose}.batchSize: ${batchSize} is more than ${images}; a step takes all ${size}`);
  }
  return batches;
}

/** A batch for a method that chooses by batches before it trains; the caller disposes x0 and noise. */
export function calibrationBatch(
  { images, labels }: DiffusionSamples,
  shape: readonly [height: number, width: number, channels: number],
  { seed, step }: { seed: number; step: number },
): DiffusionBatch {
  // The purpose names a stream of random numbers: another name would draw other batches.
  const { drawnFor, draw } = streamRandomness({ process: diffusion, labelDropout: 0, seed, purpose: 'look' });
  const draws = draw(step, { count: labels.length, pixels: shape[0] * shape[1] * shape[2] });
  return diffusionBatch({ images, labels }, { shape, draws, drawnFor, droppedKeepGroup: true });
}
