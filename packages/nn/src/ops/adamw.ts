import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { foreach } from './foreach';
import { leafInputs } from './leaf-inputs';

/** Lists of equal length: leaf i of every list has the same shape. */
export interface AdamWLeaves {
  readonly params: readonly Tensor[];
  readonly m: readonly Tensor[];
  readonly v: readonly Tensor[];
}

/** Scalars of one step; `step` counts from 1. */
export interface AdamWAttrs {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly step: number;
  /** Whether a backend may write over the values of the parameters and both moments. */
  readonly donate: boolean;
}

/** One AdamW step over all leaves; one kernel call where the backend has it. */
export function adamW(
  { params, grads, m, v }: AdamWLeaves & { readonly grads: readonly Tensor[] },
  attrs: AdamWAttrs,
): AdamWLeaves {
  const count = params.length;
  const results = tf.tidy(() => {
    if (hasKernel('LearngeneAdamW')) {
      return runKernel('LearngeneAdamW', leafInputs({ p: params, g: grads, m, v }), { ...attrs });
    }
    return foreach([params, grads, m, v], ([p, g, m, v]) => update(p, g, m, v, attrs)).flat();
  });
  return {
    params: results.slice(0, count),
    m: results.slice(count, 2 * count),
    v: results.slice(2 * count),
  };
}

/** torch: p *= 1 - lr wd; p -= (lr / c1) m / (sqrt(v) / sqrt(c2) + eps), c = 1 - beta^step. */
function update(p: Tensor, g: Tensor, m: Tensor, v: Tensor, attrs: AdamWAttrs): [Tensor, Tensor, Tensor] {
  const { learningRate, beta1, beta2, eps, weightDecay, step } = attrs;
  const correction1 = 1 - beta1 ** step;
  const correction2 = Math.sqrt(1 - beta2 ** step);
  const m1 = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
  const v1 = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
  // (lr / c1) m / (sqrt(v) / c2 + eps) = (lr c2 / c1) m / (sqrt(v) + eps c2)
  const direction = tf.div(m1, tf.add(tf.sqrt(v1), eps * correction2));
  const decayed = weightDecay === 0 ? p : tf.mul(p, 1 - learningRate * weightDecay);
  return [tf.sub(decayed, tf.mul(direction, (learningRate * correction2) / correction1)), m1, v1];
}
