import { applyLinear, type LinearParams, lowRankLinear, matmulNN, matmulNT } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { type LayerSegment, perSample } from '../core/segments';
import type { Leaves } from '../core/trees';

/**
 * x V diag(s) Uᵀ + bias where only s differs between segments: both products are taken for the whole batch, so the cost
 * is the same for any number of adapters.
 */
export function applySpectral(
  x: tf.Tensor3D,
  { u, v, bias }: Leaves,
  segments: readonly LayerSegment[],
  valuesOf: (leaves: Leaves | undefined) => tf.Tensor,
): tf.Tensor3D {
  const [U, V, b] = [u as tf.Tensor2D, v as tf.Tensor2D, bias as tf.Tensor1D | undefined];
  if (segments.length === 1) {
    return lowRankLinear(x, U, valuesOf(segments[0].leaves) as tf.Tensor1D, V, b) as tf.Tensor3D;
  }
  const [N, T, width] = x.shape;
  const hidden = tf.reshape(matmulNN(tf.reshape(x, [N * T, width]), V), [N, T, -1]); // [N, T, k]
  const scaled = tf.mul(hidden, perSample(segments, valuesOf));
  return applyLinear({ weight: U, bias: b }, scaled) as tf.Tensor3D;
}

/** The dense layer u diag(values) vᵀ with the bias. */
export function mergeSpectral({ u, v, bias }: Leaves, values: tf.Tensor): LinearParams {
  const weight = matmulNT(tf.mul(u, values), v) as tf.Tensor2D;
  return { weight, ...(bias && { bias: bias as tf.Tensor1D }) };
}
