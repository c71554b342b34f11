import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp } from './custom-op';

/**
 * Nearest-neighbour upsampling by two: every pixel becomes a square of four (torch `F.interpolate(x, scale_factor=2)`).
 * Made of copies of rows, so that its gradient is right on every backend.
 *
 * @param x float32 [N, H, W, C].
 * @returns [N, 2H, 2W, C]; the caller owns it.
 */
export function upsampleNearest(x: Tensor4D): Tensor4D {
  const { N, H, W, C } = dims('x', x, 'N H W C');
  return customOp({
    inputs: { x },
    forward: () => {
      const wide = twice(tf.reshape(x, [N * H * W, C])); // [N H W, 2 C] = [N H, 2 W C]
      return tf.reshape(twice(tf.reshape(wide, [N * H, 2 * W * C])), [N, 2 * H, 2 * W, C]);
    },
    backward: (dy) => ({
      x: () => {
        const rows = halves(tf.reshape(dy, [N * H, 4 * W * C])); // [N H, 2 W C]
        return tf.reshape(halves(tf.reshape(rows, [N * H * W, 2 * C])), [N, H, W, C]);
      },
    }),
  }) as Tensor4D;
}

/** Every row twice beside itself. */
function twice(rows: Tensor): Tensor {
  return tf.concat([rows, rows], 1);
}

/** The sum of the two halves of every row. */
function halves(rows: Tensor): Tensor {
  const [R, D] = rows.shape;
  return tf.add(tf.slice(rows, [0, 0], [R, D / 2]), tf.slice(rows, [0, D / 2], [R, D / 2]));
}
