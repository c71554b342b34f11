import { matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Rows of a table: out[n] = table[indices[n]], differentiable in the table.
 *
 * The gradient of tf.gather needs a kernel that wasm lacks, and a one-hot product costs K·N·D for a table of K rows.
 * Here the gradient sums the rows of equal indices with one product of at most N·N·D (often far less), then places the
 * sums with a gather whose other rows are 0.
 *
 * @param table - f32 [K, D].
 * @param indices - on the host, [N], each in [0, K).
 * @returns f32 [N, D], owned by the caller. Throws on an index outside the table.
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
  const N = indices.length;
  const slots = new Map<number, number>(); // index -> its row among the U distinct ones
  for (const index of indices) if (!slots.has(index)) slots.set(index, slots.size);
  const U = slots.size;
  const members = new Float32Array(U * N);
  indices.forEach((index, n) => {
    members[slots.get(index)! * N + n] = 1;
  });
  const sums = matmulNN(tf.tensor2d(members, [U, N]), dy); // [U, D]
  const padded = tf.concat([sums, tf.zeros([1, dy.shape[1]])], 0); // row U is zero
  const source = Int32Array.from({ length: K }, (_, k) => slots.get(k) ?? U);
  return tf.gather(padded, tf.tensor1d(source, 'int32')) as tf.Tensor2D; // [K, D]
}
