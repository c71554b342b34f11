import * as tf from '@tensorflow/tfjs-core';
import { checkCount, imageShape } from './check';

/** Progress of a sampling loop. */
export interface StepEvent {
  /** Index of the step just done, from 0. */
  readonly step: number;
  /** Number of steps of the whole loop. */
  readonly steps: number;
  /** What the network was given as t. */
  readonly t: number;
  /** The sample after the step, `[N, H, W, C]`; the loop owns it: read or clone it before the call-back returns. */
  readonly x?: tf.Tensor4D;
}

/** What every sampler takes. */
export interface LoopOptions {
  /** Where the sampler starts, `[N, H, W, C]`: x_T, standard normal noise (for inversion: x_0). Not disposed. */
  readonly noise: tf.Tensor4D;
  /** First step to run (default 0): with a partly diffused `noise`, image-to-image. */
  readonly startStep?: number;
  /** Called after every step; the loop waits for a promise. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  /** Aborts before the next step: the promise rejects with the signal's reason, and no tensor stays behind. */
  readonly signal?: AbortSignal;
}

/** Names of {@link LoopOptions}, and the generator: who chooses among samplers gives it to those too that draw nothing. */
export const LOOP_OPTIONS = ['noise', 'startStep', 'onStep', 'signal', 'generator'];

/** A sampler: its number of steps, what the network sees at each, and one step on the state, whose head is the sample. */
export interface Stepper {
  readonly steps: number;
  time(step: number): number;
  advance(state: readonly tf.Tensor4D[], step: number): tf.Tensor4D[];
}

const TICK_MILLISECONDS = 40;

/**
 * Runs a sampler. Each step runs in one tidy; what it returns is kept and what it drops is disposed. The event loop
 * gets a turn every 40 ms, so that aborts, timers and pages stay alive.
 */
export async function runSteps(stepper: Stepper, options: LoopOptions): Promise<tf.Tensor4D> {
  imageShape('noise', options.noise);
  if (options.onStep !== undefined && typeof options.onStep !== 'function') {
    throw new Error(`onStep: expected a function, got ${options.onStep}`);
  }
  const first = checkCount('startStep', options.startStep ?? 0, 0, stepper.steps - 1);
  let state: tf.Tensor4D[] = [tf.clone(options.noise)];
  let lastTick = Date.now();
  try {
    for (let step = first; step < stepper.steps; step++) {
      if (Date.now() - lastTick > TICK_MILLISECONDS) {
        await macrotask();
        lastTick = Date.now();
      }
      options.signal?.throwIfAborted();
      const next = advance(stepper, state, step);
      for (const tensor of state) if (!next.includes(tensor)) tensor.dispose();
      state = next;
      await options.onStep?.({ step, steps: stepper.steps, t: stepper.time(step), x: state[0] });
    }
    options.signal?.throwIfAborted();
    return tf.clone(state[0]);
  } finally {
    for (const tensor of new Set(state)) tensor.dispose();
  }
}

/** One step in a tidy; results that alias each other or the caller's tensors become tensors of their own. */
function advance(stepper: Stepper, state: readonly tf.Tensor4D[], step: number): tf.Tensor4D[] {
  return tf.tidy(() => {
    const next = stepper.advance(state, step);
    return next.map((tensor, i) => (state.includes(tensor) && next.indexOf(tensor) === i ? tensor : tf.clone(tensor)));
  });
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
