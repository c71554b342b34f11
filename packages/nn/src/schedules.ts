import { checkCount, checkFinite, checkFunction, checkNumber, checkOptions } from './core/check';

/**
 * A value (a learning rate, a decay) for every step, counted from 0.
 *
 * @throws on a step below 0 or one that is NaN
 */
export type Schedule = (step: number) => number;

/** Options of {@link warmupSchedule}. */
export interface WarmupOptions {
  /** Steps of the linear rise. Step k has (k + 1) / steps times the value that `schedule` has at its step 0. */
  readonly steps: number;
  /** The schedule that follows; its step 0 is the first step after the rise. */
  readonly schedule: Schedule;
}

/** Options of {@link cosineSchedule}. */
export interface CosineOptions {
  /** Value at step 0. */
  readonly start: number;
  /** Value from step `steps` on (default 0). */
  readonly end?: number;
  /** Steps from `start` to `end` (T_max of torch). With 0 the value is `end` from the first step on. */
  readonly steps: number;
}

/** Options of {@link stepSchedule}. */
export interface StepOptions {
  /** Value at step 0. */
  readonly start: number;
  /** Steps between two reductions. */
  readonly every: number;
  /** Factor of a reduction (default 0.1). */
  readonly factor?: number;
}

/** The same value at every step. */
export function constantSchedule(value: number): Schedule {
  checkFinite('value', value);
  return (step) => {
    checkNumber('step', step, 0);
    return value;
  };
}

/**
 * A curve from `start` to `end`. `left` maps the share of the steps done to the share of the way that is left, from 1
 * to 0.
 */
function decay(options: CosineOptions, left: (done: number) => number): Schedule {
  checkOptions(options, ['start', 'end', 'steps']);
  const { start, end = 0, steps } = options;
  checkFinite('start', start);
  checkFinite('end', end);
  checkCount('steps', steps, 0);
  return (step) => {
    checkNumber('step', step, 0);
    return step >= steps ? end : end + (start - end) * left(step / steps);
  };
}

/** A straight line from `start` at step 0 to `end` at step `steps`, constant after it. */
export function linearSchedule(options: CosineOptions): Schedule {
  return decay(options, (done) => 1 - done);
}

/** Linear warm-up in front of another schedule. */
export function warmupSchedule(options: WarmupOptions): Schedule {
  checkOptions(options, ['steps', 'schedule']);
  const { steps, schedule } = options;
  checkCount('steps', steps, 0);
  checkFunction('schedule', schedule);
  return (step) => {
    checkNumber('step', step, 0);
    return step < steps ? (schedule(0) * (step + 1)) / steps : schedule(step - steps);
  };
}

/** Half a cosine from `start` to `end` (Loshchilov & Hutter 2017, eq. 5; torch `CosineAnnealingLR`), then constant. */
export function cosineSchedule(options: CosineOptions): Schedule {
  return decay(options, (done) => 0.5 * (1 + Math.cos(Math.PI * done)));
}

/** Multiplies the value by `factor` every `every` steps (torch `StepLR`). */
export function stepSchedule(options: StepOptions): Schedule {
  checkOptions(options, ['start', 'every', 'factor']);
  const { start, every, factor = 0.1 } = options;
  checkFinite('start', start);
  checkCount('every', every, 1);
  checkNumber('factor', factor, 0);
  return (step) => {
    checkNumber('step', step, 0);
    return start * factor ** Math.floor(step / every);
  };
}
