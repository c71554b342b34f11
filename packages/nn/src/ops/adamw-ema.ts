import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type AdamWAttrs, type AdamWLeaves, adamW } from './adamw';
import { hasKernel, runKernel } from './custom-op';
import { ema as average } from './ema';
import { foreach } from './foreach';
import { leafInputs } from './leaf-inputs';

/** What a step with clipping and moving averages reads: lists of equal length. */
export interface AdamWEmaLeaves extends AdamWLeaves {
  readonly grads: readonly Tensor[];
  readonly ema: readonly Tensor[];
  /** Global norm of the gradients, where they are clipped. */
  readonly norm?: Scalar;
}

/** Scalars of such a step. */
export interface AdamWEmaAttrs extends AdamWAttrs {
  readonly decay: number;
  /** Largest norm; used where a norm is given. */
  readonly maxNorm: number;
}

/** Clipping, AdamW and the moving average over all leaves; one kernel call where the backend has it. */
export function adamWEma(
  { params, grads, m, v, ema, norm }: AdamWEmaLeaves,
  { decay, maxNorm, ...attrs }: AdamWEmaAttrs,
): AdamWLeaves & { readonly ema: readonly Tensor[] } {
  const count = params.length;
  if (hasKernel('LearngeneAdamWEma')) {
    const inputs = { ...leafInputs({ p: params, g: grads, m, v, e: ema }), ...(norm && { norm }) };
    const results = runKernel('LearngeneAdamWEma', inputs, { decay, maxNorm, ...attrs });
    const part = (index: number) => results.slice(index * count, (index + 1) * count);
    return { params: part(0), m: part(1), v: part(2), ema: part(3) };
  }
  const clipped = norm ? clipTo(grads, norm, maxNorm) : grads;
  const after = adamW({ params, grads: clipped, m, v }, attrs);
  if (norm) tf.dispose([...clipped]);
  return { ...after, ema: average(ema, after.params, decay) };
}

/** Gradients times min(1, maxNorm / (norm + 1e-6)). */
export function clipTo(grads: readonly Tensor[], norm: Scalar, maxNorm: number): Tensor[] {
  return tf.tidy(() => {
    const factor = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
    return foreach([grads], ([tensor]) => [tf.mul(tensor, factor)]).flat();
  });
}
