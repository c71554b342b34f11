import type { Progress } from '@learngene/pipeline';

/** Warns where a run ends before its learning rate has reached its height. */
export function warnOfWarmup(
  { steps, warmup, learningRate }: { steps: number; warmup: number; learningRate: number },
  progress: Progress,
): void {
  if (warmup <= steps) return;
  const reached = Number(((learningRate * steps) / warmup).toPrecision(3));
  progress.warn(
    `training.warmup: expected at most the ${steps} steps of the run, got ${warmup}: the learning rate reaches ${reached} of ${learningRate}`,
  );
}
