import { customOp } from '@learngene/nn';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** x with row i from row `order[i]`; the gradient is the gather by the inverse permutation, no scatter. */
export function reorderRows<T extends Tensor>(x: T, order: Int32Array, inverse: Int32Array): T {
  const take = (from: Tensor, indices: Int32Array) => tf.gather(from, tf.tensor1d(indices, 'int32'));
  return customOp({
    inputs: { x },
    forward: () => take(x, order),
    backward: (dy) => ({ x: () => take(dy, inverse) }),
  }) as T;
}
