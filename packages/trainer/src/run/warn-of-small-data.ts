import type { Progress } from '@learngene/pipeline';

/** Warns where the batches of a training are smaller than was asked for, since there are not as many images. */
export function warnOfSmallData(asked: { batchSize: number }, batchSize: number, progress: Progress): void {
  if (batchSize >= asked.batchSize) return;
  progress.warn(`training.batchSize: ${asked.batchSize} is more than there are images; a step takes all ${batchSize}`);
}
