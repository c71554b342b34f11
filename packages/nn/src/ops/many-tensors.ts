import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Most inputs that one op may have. WebGPU guarantees 8 storage buffers a program, one of which is the output; tfjs does
 * not check, and the device drops every command of a buffer that holds a program with more.
 */
const MAX_OP_INPUTS = 7;

/**
 * The sum of any number of tensors, from left to right: `tf.addN` for as many as no GPU can take at once. Differentiable.
 *
 * @param tensors - At least one, all of one shape and dtype; never disposed.
 * @returns A tensor that the caller owns, the same bits as one `tf.addN` where that adds from left to right.
 * @throws Error when there is none, or shapes differ.
 */
export function sumTensors<T extends Tensor>(tensors: readonly T[]): T {
  if (tensors.length === 0) throw new Error('tensors: expected at least one, got none');
  if (tensors.length <= MAX_OP_INPUTS) return tf.addN([...tensors]);
  return tf.tidy(() => {
    let sum = tf.addN(tensors.slice(0, MAX_OP_INPUTS));
    for (let at = MAX_OP_INPUTS; at < tensors.length; at += MAX_OP_INPUTS - 1) {
      sum = tf.addN([sum, ...tensors.slice(at, at + MAX_OP_INPUTS - 1)]);
    }
    return sum;
  });
}

/**
 * Any number of tensors along a new axis: `tf.stack` by a concatenation, the one op that splits itself where a GPU cannot
 * take all inputs at once. Differentiable.
 *
 * @param tensors - At least one, all of one shape and dtype; never disposed.
 * @param axis - Where the new axis goes, 0 to the rank (default 0).
 * @returns A tensor of one rank more that the caller owns.
 * @throws Error when there is none, or shapes differ.
 */
export function stackTensors(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new Error('tensors: expected at least one, got none');
  const [{ shape }] = tensors;
  const odd = tensors.find((tensor) => tensor.shape.join() !== shape.join());
  if (odd) throw new Error(`tensors: expected [${shape.join(', ')}] as the first, got [${odd.shape.join(', ')}]`);
  return tf.tidy(() =>
    tf.concat(
      tensors.map((tensor) => tf.expandDims(tensor, axis)),
      axis,
    ),
  );
}
