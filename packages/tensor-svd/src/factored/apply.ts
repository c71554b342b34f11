import { type LinearParams, lowRankLinear, matmulNT } from '@learngene/nn';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type FactoredParams, factoredSize } from './params';

/**
 * ((x v) s) uᵀ + bias; the weight is never formed. Differentiable in x and in all parameters.
 *
 * @param x - float32 [..., in].
 * @returns [..., out]; the caller owns it.
 * @throws When shapes do not go together.
 */
export function applyFactored(f: FactoredParams, x: Tensor): Tensor {
  return lowRankLinear(x, f.u, f.s, f.v, f.bias);
}

/**
 * The dense layer with weight u diag(s) vᵀ [out, in] and a copy of the bias. Differentiable.
 *
 * @returns Parameters that the caller owns.
 * @throws When shapes do not go together.
 */
export function composeDense(f: FactoredParams): LinearParams {
  factoredSize(f);
  return tf.tidy(() => {
    const weight = matmulNT(tf.mul(f.u, f.s), f.v) as Tensor2D; // [out, in]
    return f.bias ? { weight, bias: tf.clone(f.bias) } : { weight };
  });
}
