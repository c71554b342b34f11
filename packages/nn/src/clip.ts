import type { Scalar } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkNumber } from './core/check';
import { clipTo } from './ops/adamw-ema';
import { globalSquaredNorm } from './ops/global-norm';
import { type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** What {@link clipByGlobalNorm} returns. */
export interface ClippedGrads<P extends ParamTree> {
  /** Gradients whose global norm is at most about `maxNorm`. */
  readonly grads: P;
  /** Global norm before clipping, a float32 scalar. */
  readonly norm: Scalar;
}

/**
 * The Euclidean norm of all leaves taken as one vector.
 *
 * @returns A float32 scalar that the caller owns.
 */
export function globalNorm(grads: ParamTree): Scalar {
  return tf.tidy(() => tf.sqrt(globalSquaredNorm(paramLeaves(grads))));
}

/**
 * Scales gradients by min(1, maxNorm / (norm + 1e-6)), with the semantics of torch's `clip_grad_norm_`.
 *
 * @param maxNorm At least 0; `Infinity` measures the norm only.
 * @returns New gradients and the norm; the caller owns both and disposes the old gradients.
 * @throws Error if `maxNorm` is NaN or below 0.
 */
export function clipByGlobalNorm<P extends ParamTree>(grads: P, maxNorm: number): ClippedGrads<P> {
  checkNumber('maxNorm', maxNorm, 0, Number.POSITIVE_INFINITY);
  return tf.tidy(() => {
    const leaves = paramLeaves(grads);
    const norm = tf.sqrt(globalSquaredNorm(leaves)) as Scalar;
    return { grads: replaceLeaves(grads, clipTo(leaves, norm, maxNorm)), norm };
  }) as ClippedGrads<P>;
}
