import { type LowRankFactors, matmulNN, matmulNT } from '@learngene/nn';
import { applyFactored, type FactoredParams } from '@learngene/tensor-svd';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * A linear layer with the soft gate of DivControl: W = W_G + sum_k alpha_k T_k, where W_G is the weight of the
 * learngenes, T_k that of the tailors of group k, and alpha_k a weight of each sample. The tailors of all groups form
 * one low-rank product; its hidden rows are scaled by alpha.
 *
 * @param x - [N, T, in], f32.
 * @param learngenes - u [out, N_G], s [N_G], v [in, N_G], bias [out] or none.
 * @param gate - `tailors`: the factors of each of the K groups, undefined for a group without components in this layer;
 *   `alpha`: [N, K].
 * @returns [N, T, out]; the caller owns it.
 */
export function softLowRank(
  x: Tensor3D,
  learngenes: FactoredParams,
  { tailors, alpha }: { readonly tailors: readonly (LowRankFactors | undefined)[]; readonly alpha: Tensor2D },
): Tensor3D {
  const [N, T, width] = x.shape;
  const present = tailors.filter((tailor) => tailor !== undefined);
  if (present.length === 0) return applyFactored(learngenes, x) as Tensor3D;
  return tf.tidy(() => {
    const u = tf.concat(
      present.map((tailor) => tailor.u),
      1,
    ); // [out, r], r = components of all groups
    const s = tf.concat(
      present.map((tailor) => tailor.s),
      0,
    ); // [r]
    const v = tf.concat(
      present.map((tailor) => tailor.v),
      1,
    ); // [in, r]
    const ranks = tailors.map((tailor) => tailor?.s.size ?? 0);
    const weights = matmulNN(alpha, spread(ranks)); // [N, r], each group's weight on all of its components
    const hidden = tf.reshape(matmulNN(tf.reshape(x, [N * T, width]), v), [N, T, s.size]); // [N, T, r]
    const scaled = tf.mul(hidden, tf.reshape(tf.mul(weights, s), [N, 1, s.size])); // [N, T, r]
    const own = matmulNT(tf.reshape(scaled, [N * T, s.size]), u); // [N T, out]
    const common = applyFactored(learngenes, x); // [N, T, out]
    return tf.add(common, tf.reshape(own, [N, T, u.shape[0]])) as Tensor3D;
  });
}

/** [K, r] of zeros and ones: row k is one at the components of group k. */
function spread(ranks: readonly number[]): Tensor2D {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const values = new Float32Array(ranks.length * total);
  let at = 0;
  for (const [k, rank] of ranks.entries()) {
    values.fill(1, k * total + at, k * total + at + rank);
    at += rank;
  }
  return tf.tensor2d(values, [ranks.length, total]);
}
