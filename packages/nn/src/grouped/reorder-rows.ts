import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { customOp } from '../ops/custom-op';

/**
 * The rows of x in another order. The gradient is the gather by the inverse permutation; nothing is scattered.
 *
 * @param x [N, ...].
 * @param order [N]: row i of the result is row `order[i]` of x.
 * @param inverse The inverse permutation of `order`.
 * @returns [N, ...]; the caller owns it.
 */
export function reorderRows<T extends Tensor>(x: T, order: Int32Array, inverse: Int32Array): T {
  const take = (from: Tensor, indices: Int32Array) => tf.gather(from, tf.tensor1d(indices, 'int32'));
  return customOp({
    inputs: { x },
    forward: () => take(x, order),
    backward: (dy) => ({ x: () => take(dy, inverse) }),
  }) as T;
}
