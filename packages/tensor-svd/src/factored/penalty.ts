import { matmulTN } from '@learngene/nn';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type FactoredParams, factoredSize } from './params';

/**
 * ‖uᵀu - I‖² + ‖vᵀv - I‖² (Frobenius): 0 for orthonormal columns. Differentiable in u and v.
 *
 * @returns float32 scalar that the caller owns.
 * @throws When shapes do not go together.
 */
export function orthogonalityPenalty(f: FactoredParams): Scalar {
  const { rank } = factoredSize(f);
  return tf.tidy(() => {
    const identity = tf.eye(rank);
    const departure = (x: Tensor2D) => tf.sum(tf.square(tf.sub(matmulTN(x, x), identity)));
    return tf.add(departure(f.u), departure(f.v)) as Scalar;
  });
}
