import { type Generator, uniform } from '@learngene/random';
import { checkCount, checkInterval } from './check';
import type { TimestepBatch } from './timestep-samplers';

/**
 * State of the loss-aware timestep sampler; plain data that `JSON.stringify` keeps. How often a step is drawn depends
 * on its last losses.
 */
export interface LossSecondMoment {
  /** T, the number of steps. */
  readonly timesteps: number;
  /** How many losses of each step are kept. */
  readonly historyPerStep: number;
  /** Share of the draws that stay uniform. */
  readonly uniformProbability: number;
  /** The last losses of every step, oldest first, at most `historyPerStep` each. */
  readonly history: readonly (readonly number[])[];
}

/**
 * Makes a loss-aware timestep sampler (Nichol & Dhariwal 2021, section 3.3). A step is drawn with a probability
 * proportional to the root mean square of its last losses. Until every step has a full history, all are equally likely.
 * @param options - `timesteps`: T; `historyPerStep` (default 10); `uniformProbability` in (0, 1] (default 0.001)
 * @returns the state; pass it to {@link sampleLossSecondMoment} and {@link updateLossSecondMoment}
 */
export function createLossSecondMoment(options: {
  readonly timesteps: number;
  readonly historyPerStep?: number;
  readonly uniformProbability?: number;
}): LossSecondMoment {
  const { timesteps, historyPerStep = 10, uniformProbability = 0.001 } = options;
  checkCount('timesteps', timesteps, 1, 2 ** 24);
  checkCount('historyPerStep', historyPerStep, 1);
  checkInterval('uniformProbability', uniformProbability, '(0, 1]');
  return { timesteps, historyPerStep, uniformProbability, history: Array.from({ length: timesteps }, () => []) };
}

/**
 * Returns the probability of every step.
 * @param state - the sampler
 * @returns `[T]`, positive, of sum 1
 * @throws if `state` is not the state of such a sampler
 */
export function lossSecondMomentProbabilities(state: LossSecondMoment): Float64Array {
  const { timesteps, historyPerStep, uniformProbability, history } = state;
  checkInterval('uniformProbability', uniformProbability, '(0, 1]');
  if (history.length !== timesteps) throw new Error(`history: expected ${timesteps} steps, got ${history.length}`);
  const even = new Float64Array(timesteps).fill(1 / timesteps);
  if (history.some((losses) => losses.length < historyPerStep)) return even;
  const norms = Float64Array.from(history, (losses) => losses.reduce((norm, loss) => Math.hypot(norm, loss), 0)); // in proportion to the roots of the means
  const largest = norms.reduce((most, norm) => Math.max(most, norm), 0);
  const weights = norms.map((norm) => norm / largest); // so that their sum stays finite
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return even;
  return weights.map((weight) => (weight / total) * (1 - uniformProbability) + uniformProbability / timesteps);
}

/**
 * Draws steps.
 * @param state - the sampler
 * @param options - `size`: how many; `generator`: advanced by `size` uniforms
 * @returns steps `[size]` and their importance weights 1 / (T · probability)
 */
export function sampleLossSecondMoment(
  state: LossSecondMoment,
  { size, generator }: { readonly size: number; readonly generator: Generator },
): TimestepBatch {
  checkCount('size', size, 0);
  const probabilities = lossSecondMomentProbabilities(state);
  let sum = 0;
  const cumulative = probabilities.map((probability) => (sum += probability));
  const t = Int32Array.from(uniform(generator, size), (draw) => upperBound(cumulative, draw * sum));
  return { t, weights: Float32Array.from(t, (step) => 1 / (state.timesteps * probabilities[step])) };
}

/**
 * Records losses, before they are multiplied by importance weights.
 * @param state - the sampler; not changed
 * @param batch - `t`: steps; `losses`: the loss of each, finite
 * @returns the new state
 * @throws if lengths differ, a step is out of range or a loss is not finite
 */
export function updateLossSecondMoment(
  state: LossSecondMoment,
  { t, losses }: { readonly t: Int32Array; readonly losses: ArrayLike<number> },
): LossSecondMoment {
  if (t.length !== losses.length) throw new Error(`losses: expected ${t.length} values, got ${losses.length}`);
  const history = state.history.slice();
  t.forEach((step, i) => {
    checkCount(`t[${i}]`, step, 0, state.timesteps - 1);
    if (!Number.isFinite(losses[i])) throw new Error(`losses[${i}]: expected a finite value, got ${losses[i]}`);
    history[step] = [...history[step], losses[i]].slice(-state.historyPerStep);
  });
  return { ...state, history };
}

/** The first index whose cumulative value is above `value`. */
function upperBound(cumulative: Float64Array, value: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
