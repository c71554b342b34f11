import * as tf from '@tensorflow/tfjs-core';
import { checkCount, imageShape } from './check';

/** Progress of a sampling loop. */
export interface StepEvent {
  /** Index of the step just done, from 0. */
  readonly step: number;
  /** Number of steps of the whole loop. */
  readonly steps: number;
  /** The t that the network was given. */
  readonly t: number;
  /** The sample after the step, `[N, H, W, C]`. The loop owns it: read or clone it before the call-back returns. */
  readonly x?: tf.Tensor4D;
}

/** What every sampler takes. */
export interface LoopOptions {
  /** The start of the sampler, `[N, H, W, C]`: standard normal noise x_T, or x_0 for inversion. Not disposed. */
  readonly noise: tf.Tensor4D;
  /** First step to run (default 0). With a partly diffused image as `noise` this is image-to-image. */
  readonly startStep?: number;
  /** Called after every step; the loop waits for a promise. */
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
  /** Aborts before the next step: the promise rejects with the signal's reason, and no tensor stays behind. */
  readonly signal?: AbortSignal;
}

/**
 * Names of {@link LoopOptions}, and `generator`: code that selects a sampler at run time passes it also to samplers
 * that draw nothing.
 */
export const LOOP_OPTIONS = ['noise', 'startStep', 'onStep', 'signal', 'generator'];

/**
 * A sampler: its number of steps, the t of each, and a function that does one step. The first tensor of the state is
 * the sample.
 */
export interface Stepper {
  readonly steps: number;
  time(step: number): number;
  advance(state: readonly tf.Tensor4D[], step: number): tf.Tensor4D[];
}

const TICK_MILLISECONDS = 40;

/**
 * Runs a sampler. Each step runs in one tidy: the tensors that it returns are kept, and those of the state before are
 * disposed. The event loop gets a turn every 40 ms, so that aborts, timers and pages respond.
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

/** Runs one step in a tidy. A result that is also another result or a tensor of the caller is cloned. */
function advance(stepper: Stepper, state: readonly tf.Tensor4D[], step: number): tf.Tensor4D[] {
  return tf.tidy(() => {
    const next = stepper.advance(state, step);
    return next.map((tensor, i) => (state.includes(tensor) && next.indexOf(tensor) === i ? tensor : tf.clone(tensor)));
  });
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
