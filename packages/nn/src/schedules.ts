/** A value (a learning rate, a decay) for every step, counted from 0. */
export type Schedule = (step: number) => number;

/** Options of {@link warmupSchedule}. */
export type WarmupOptions = {
  /** Steps of the linear rise: step k of them gets (k + 1) / steps of what follows at its step 0. */
  readonly steps: number;
  /** The schedule that follows; its step 0 is the first step after the rise. */
  readonly schedule: Schedule;
};

/** Options of {@link cosineSchedule}. */
export type CosineOptions = {
  /** Value at step 0. */
  readonly start: number;
  /** Value from step `steps` on (default 0). */
  readonly end?: number;
  /** Steps of the half cosine (T_max of torch). */
  readonly steps: number;
};

/** Options of {@link stepSchedule}. */
export type StepOptions = {
  /** Value at step 0. */
  readonly start: number;
  /** Steps between two reductions. */
  readonly every: number;
  /** Factor of a reduction (default 0.1). */
  readonly factor?: number;
};

/** The same value at every step. */
export function constantSchedule(value: number): Schedule {
  return () => value;
}

/** A straight line from `start` at step 0 to `end` at step `steps`, constant after it. */
export function linearSchedule({ start, end = 0, steps }: CosineOptions): Schedule {
  return (step) => start + (end - start) * Math.min(1, step / steps);
}

/** Linear warm-up in front of another schedule. */
export function warmupSchedule({ steps, schedule }: WarmupOptions): Schedule {
  return (step) => (step < steps ? (schedule(0) * (step + 1)) / steps : schedule(step - steps));
}

/** Half a cosine from `start` to `end` (Loshchilov & Hutter 2017, eq. 5; torch `CosineAnnealingLR`), then constant. */
export function cosineSchedule({ start, end = 0, steps }: CosineOptions): Schedule {
  return (step) => end + 0.5 * (start - end) * (1 + Math.cos(Math.PI * Math.min(1, step / steps)));
}

/** Multiplied by `factor` every `every` steps (torch `StepLR`). */
export function stepSchedule({ start, every, factor = 0.1 }: StepOptions): Schedule {
  return (step) => start * factor ** Math.floor(step / every);
}
