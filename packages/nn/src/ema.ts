import { checkCount, checkNumber } from './core/check';
import { ema as emaLeaves } from './ops/ema';
import { cloneParams, leavesLike, type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** The moving average before the first update: the parameters themselves. The caller owns it. */
export function initEma<P extends ParamTree>(params: P): P {
  return cloneParams(params);
}

/**
 * decay ema + (1 - decay) params.
 *
 * @param decay In [0, 1].
 * @returns A new tree; the caller owns it and disposes the old one.
 * @throws Error if the trees do not have the same leaves and shapes, or the decay is out of range.
 */
export function updateEma<P extends ParamTree>(ema: P, params: P, decay: number): P {
  checkNumber('decay', decay, 0, 1);
  return replaceLeaves(ema, emaLeaves(paramLeaves(ema), leavesLike(ema, params, 'params'), decay));
}

/**
 * Warm-up of the decay: min(decay, (1 + step) / (10 + step)), so that the first updates forget the start
 * (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
 *
 * @param step Updates done before this one, from 0.
 * @throws Error if the decay or the step is out of range.
 */
export function warmupDecay(decay: number, step: number): number {
  checkNumber('decay', decay, 0, 1);
  checkCount('step', step, 0);
  return Math.min(decay, (1 + step) / (10 + step));
}
