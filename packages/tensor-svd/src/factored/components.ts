import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type FactoredParams, factoredSize } from './params';

/**
 * Makes a layer of some components, in the order given, with a copy of the bias.
 *
 * @param indices - At least one component, each 0 to rank - 1. The same may occur twice.
 * @returns Parameters that the caller owns.
 * @throws On an index out of range or none at all.
 */
export function selectComponents(f: FactoredParams, indices: ArrayLike<number>): FactoredParams {
  const { rank } = factoredSize(f);
  const chosen = Int32Array.from(indices);
  if (chosen.length === 0) throw new Error('indices: expected at least one component, got none');
  for (let i = 0; i < chosen.length; i++) {
    if (!Number.isInteger(indices[i]) || indices[i] < 0 || indices[i] >= rank) {
      throw new Error(`indices: expected integers from 0 to ${rank - 1}, got ${indices[i]} at ${i}`);
    }
  }
  return tf.tidy(() => {
    const index = tf.tensor1d(chosen, 'int32');
    const part = {
      u: tf.gather(f.u, index, 1), // [out, chosen]
      s: tf.gather(f.s, index),
      v: tf.gather(f.v, index, 1), // [in, chosen]
    };
    return f.bias ? { ...part, bias: tf.clone(f.bias) } : part;
  });
}

/**
 * Joins factored layers into one layer that computes their sum: its components are theirs, in order, and the biases add
 * up. Differentiable.
 *
 * @param layers - At least one, all with the same `in` and `out`.
 * @returns Parameters that the caller owns.
 * @throws When sizes differ.
 */
export function concatComponents(...layers: readonly FactoredParams[]): FactoredParams {
  if (layers.length === 0) throw new Error('layers: expected at least one layer, got none');
  const sizes = layers.map(factoredSize);
  for (const size of sizes) {
    if (size.in !== sizes[0].in || size.out !== sizes[0].out) {
      const wanted = `in ${sizes[0].in} and out ${sizes[0].out}`;
      throw new Error(`layers: expected ${wanted} as the first, got in ${size.in} and out ${size.out}`);
    }
  }
  return tf.tidy(() => {
    const joined = {
      u: tf.concat(
        layers.map((f) => f.u),
        1,
      ) as Tensor2D,
      s: tf.concat(layers.map((f) => f.s)) as Tensor1D,
      v: tf.concat(
        layers.map((f) => f.v),
        1,
      ) as Tensor2D,
    };
    const biases = layers.flatMap((f) => (f.bias ? [f.bias] : []));
    if (biases.length === 0) return joined;
    return { ...joined, bias: biases.reduce((sum: Tensor1D, bias) => tf.add(sum, bias), tf.zerosLike(biases[0])) };
  });
}
