import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Most inputs that one op may have. WebGPU guarantees 8 storage buffers for a program, one of which is the output. tfjs
 * does not check this; with more, the device drops the whole command buffer without an error in tfjs.
 */
const MAX_OP_INPUTS = 7;

/**
 * Sums any number of tensors from left to right, also more than a GPU takes in one `tf.addN`. Differentiable.
 *
 * @param tensors - At least one, all of one shape and dtype; never disposed.
 * @returns A tensor that the caller owns. Its bits equal those of one `tf.addN` on a backend that adds from left to
 *   right.
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
 * Stacks any number of tensors along a new axis, as `tf.stack`, but by a concatenation: that op splits itself where a
 * GPU cannot take all inputs at once. Differentiable.
 *
 * @param tensors - At least one, all of one shape and dtype; never disposed.
 * @param axis - Position of the new axis, from 0 to the rank of the tensors (default 0).
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
