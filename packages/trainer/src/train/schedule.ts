import { constantSchedule, cosineSchedule, type Schedule, warmupSchedule } from '@learngene/nn';

/** How long and at which rates a model is trained. */
export interface TrainingSchedule {
  /** Optimiser steps in all. */
  readonly steps: number;
  /** Learning rate of every step, counted from 0. */
  readonly learningRate: Schedule;
  /** Decay of the moving averages; the first steps decay faster, see `warmupDecay` of `@learngene/nn`. */
  readonly emaDecay: number;
  /** Largest global norm of the gradient. */
  readonly clipNorm: number;
}

/** Options of {@link trainingSchedule}. */
export interface TrainingScheduleOptions {
  /** Optimiser steps in all. */
  steps: number;
  /** Learning rate after the warm-up. */
  learningRate: number;
  /** Steps of linear warm-up (default 0). */
  warmup?: number;
  /** The learning rate after the warm-up (default 'constant'); 'cosine' falls to 0 at the last step. */
  decay?: 'constant' | 'cosine';
  /** Steps, those of the warm-up included, over which a cosine decays (default: `steps`). */
  decaySteps?: number;
  /** Steps after which the learning rate stays what it was at the last of them (default: none). */
  holdFrom?: number;
  /** Decay of the moving averages (default 0.999). */
  emaDecay?: number;
  /** Largest global norm of the gradient (default 1). */
  clipNorm?: number;
}

function checkSchedule({ steps, learningRate, warmup = 0, ...rest }: TrainingScheduleOptions): void {
  for (const [name, value, least] of [
    ['steps', steps, 1],
    ['warmup', warmup, 0],
    ['decaySteps', rest.decaySteps ?? 1, 1],
    ['holdFrom', rest.holdFrom ?? 1, 1],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new Error(`${name}: expected a whole number of at least ${least}, got ${value}`);
    }
  }
  if (!Number.isFinite(learningRate)) throw new Error(`learningRate: expected a finite number, got ${learningRate}`);
}

/**
 * Linear warm-up, then a constant learning rate or half a cosine; from `holdFrom` on the rate stays.
 *
 * @throws Error naming the argument that is no number of its range
 */
export function trainingSchedule(options: TrainingScheduleOptions): TrainingSchedule {
  checkSchedule(options);
  const { steps, learningRate, warmup = 0, decay = 'constant', emaDecay = 0.999, clipNorm = 1 } = options;
  const { decaySteps = steps, holdFrom = Number.POSITIVE_INFINITY } = options;
  const after =
    decay === 'cosine'
      ? cosineSchedule({ start: learningRate, steps: Math.max(1, decaySteps - warmup) })
      : constantSchedule(learningRate);
  const schedule = warmup > 0 ? warmupSchedule({ steps: warmup, schedule: after }) : after;
  const held: Schedule = (step) => schedule(Math.min(step, holdFrom - 1));
  return { steps, learningRate: held, emaDecay, clipNorm };
}
