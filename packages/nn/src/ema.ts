import type * as tf from '@tensorflow/tfjs-core';
import { ema as emaLeaves } from './ops/ema';
import { cloneParams, flattenParams, mapParams, type ParamTree } from './tree';

/** The moving average before the first update: the parameters themselves. The caller owns it. */
export function initEma<P extends ParamTree>(params: P): P {
  return cloneParams(params);
}

/**
 * decay ema + (1 - decay) params.
 *
 * @returns A new tree; the caller owns it and disposes the old one.
 * @throws Error if the trees do not have the same leaves.
 */
export function updateEma<P extends ParamTree>(ema: P, params: P, decay: number): P {
  const current = flattenParams(params);
  const old = flattenParams(ema);
  const leaves = [...old.keys()].map((name) => {
    const tensor = current.get(name);
    if (!tensor) throw new Error(`params: ${name} is missing`);
    return tensor;
  });
  const updated = emaLeaves([...old.values()], leaves, decay);
  const byName = new Map([...old.keys()].map((name, i) => [name, updated[i]]));
  return mapParams((_, name) => byName.get(name) as tf.Tensor, ema);
}

/**
 * Warm-up of the decay: min(decay, (1 + step) / (10 + step)), so that the first updates forget the start
 * (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
 *
 * @param step Updates done before this one, from 0.
 */
export function warmupDecay(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}
