import { matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Rows of a table: out[n] = table[indices[n]], differentiable in the table.
 *
 * The gradient of tf.gather needs a kernel that wasm lacks, and a one-hot product costs K·N·D for a table of K rows.
 * Here the gradient sums the rows of equal indices with one product of at most N·N·D (often far less), then puts the
 * sums between rows of zeros.
 *
 * @param table - f32 [K, D].
 * @param indices - on the host, [N], each in [0, K).
 * @returns f32 [N, D], owned by the caller.
 * @throws on an index outside the table
 */
export function gatherRows(table: tf.Tensor2D, indices: Int32Array): tf.Tensor2D {
  const [K, D] = table.shape;
  for (const index of indices) {
    if (index < 0 || index >= K) throw new Error(`indices: expected integers in [0, ${K}), got ${index}`);
  }
  const op = tf.customGrad((source) => ({
    value: tf.gather(source as tf.Tensor2D, tf.tensor1d(indices, 'int32')),
    gradFunc: (dy: tf.Tensor) => scatterRows(dy as tf.Tensor2D, indices, K),
  }));
  return tf.tidy(() => tf.reshape(op(table), [indices.length, D]));
}

/** The transpose of the gather: [K, D] whose row k is the sum of the rows n of dy [N, D] with indices[n] = k. */
function scatterRows(dy: tf.Tensor2D, indices: Int32Array, K: number): tf.Tensor2D {
  const [N, D] = dy.shape;
  const ids = [...new Set(indices)].sort((a, b) => a - b); // the U rows that are not zero
  const slots = new Map(ids.map((id, slot) => [id, slot]));
  const members = new Float32Array(ids.length * N);
  indices.forEach((id, n) => {
    members[slots.get(id)! * N + n] = 1;
  });
  const sums = matmulNN(tf.tensor2d(members, [ids.length, N]), dy); // [U, D]
  const pieces: tf.Tensor2D[] = [];
  let next = 0; // rows below it are in place
  ids.forEach((id, slot) => {
    if (id > next) pieces.push(tf.zeros([id - next, D]));
    pieces.push(tf.slice(sums, slot, 1));
    next = id + 1;
  });
  if (next < K) pieces.push(tf.zeros([K - next, D]));
  return tf.concat(pieces, 0); // [K, D]
}
