import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';

/**
 * Squares of two by two pixels to channels. Channel (i · 2 + j) · C + c of the result is channel c of the pixel in row i and
 * column j of its square: TensorFlow's `space_to_depth`. (torch's `pixel_unshuffle` has the order c, i, j.)
 *
 * @param x float32 [N, H, W, C], H and W even.
 * @returns [N, H / 2, W / 2, 4C]; the caller owns it.
 * @throws Error if a side is odd.
 */
export function spaceToDepth(x: Tensor4D): Tensor4D {
  const { N, H, W, C } = dims('x', x, 'N H W C');
  if (H % 2 !== 0 || W % 2 !== 0) throw new Error(`x: expected even sides, got ${H} x ${W}`);
  return tf.tidy(() => {
    const squares = tf.transpose(tf.reshape(x, [N * (H / 2), 2, W / 2, 2 * C]), [0, 2, 1, 3]); // [N H/2, W/2, 2, 2 C]
    return tf.reshape(squares, [N, H / 2, W / 2, 4 * C]);
  });
}

/**
 * Channels to squares of two by two pixels: the inverse of {@link spaceToDepth}.
 *
 * @param x float32 [N, H, W, 4C].
 * @returns [N, 2H, 2W, C]; the caller owns it.
 * @throws Error if the number of channels is no multiple of 4.
 */
export function depthToSpace(x: Tensor4D): Tensor4D {
  const { N, H, W, D } = dims('x', x, 'N H W D');
  if (D % 4 !== 0) throw new Error(`x: expected a multiple of 4 channels, got ${D}`);
  return tf.tidy(() => {
    const rows = tf.transpose(tf.reshape(x, [N * H, W, 2, D / 2]), [0, 2, 1, 3]); // [N H, 2, W, 2 C]
    return tf.reshape(rows, [N, 2 * H, 2 * W, D / 4]);
  });
}
