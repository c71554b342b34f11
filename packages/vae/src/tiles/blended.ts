import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { cut, joined } from './local';

/** How an image of latents or pixels is cut into tiles that overlap and whose results are blended. */
export interface BlendedTiles {
  /** Side of a tile of the input. */
  readonly tile: number;
  /** Distance between the starts of two tiles. */
  readonly step: number;
  /** Rows and columns of the result over which a tile is faded in. */
  readonly blend: number;
  /** Rows and columns of the result that a tile contributes. */
  readonly limit: number;
}

/**
 * `apply` tile by tile, with the results faded into each other: the numbers of diffusers' `tiled_encode` and `tiled_decode`. Of
 * the tiles of a row only the strips that the next row is faded with are kept.
 */
export function applyBlended(x: Tensor4D, apply: (part: Tensor4D) => Tensor4D, tiles: BlendedTiles): Tensor4D {
  const [, H, W] = x.shape;
  const { tile, step, blend, limit } = tiles;
  const strips: Tensor4D[] = [];
  let above: Tensor4D[] = [];
  for (let top = 0; top < H; top += step) {
    const kept: Tensor4D[] = [];
    const below: Tensor4D[] = [];
    let left: Tensor4D | undefined;
    for (let start = 0; start < W; start += step) {
      const column = start / step;
      const [own, lower, right] = tf.tidy(() => {
        const part = cut(x, top, Math.min(H, top + tile), start, Math.min(W, start + tile));
        let y = apply(part);
        if (above[column]) y = faded(above[column], y, { axis: 1, blend });
        if (left) y = faded(left, y, { axis: 2, blend });
        const [, h, w] = y.shape;
        return [
          cut(y, 0, Math.min(h, limit), 0, Math.min(w, limit)),
          cut(y, Math.max(0, h - blend), h, 0, w),
          cut(y, 0, h, Math.max(0, w - blend), w),
        ];
      });
      left?.dispose();
      left = right;
      kept.push(own);
      below.push(lower);
    }
    left?.dispose();
    tf.dispose(above);
    above = below;
    strips.push(joined(kept, 2));
  }
  tf.dispose(above);
  return joined(strips, 1);
}

/** `next` with its first rows (axis 1) or columns (axis 2) faded in over the last of `before`. */
function faded(before: Tensor4D, next: Tensor4D, { axis, blend }: { axis: 1 | 2; blend: number }): Tensor4D {
  const extent = Math.min(before.shape[axis], next.shape[axis], blend);
  if (extent === 0) return next;
  const [head, tail] = tf.split(next, [extent, next.shape[axis] - extent], axis);
  const last = tf.split(before, [before.shape[axis] - extent, extent], axis)[1];
  const shape: [number, number, number, number] = axis === 1 ? [1, extent, 1, 1] : [1, 1, extent, 1];
  const weight = tf.tensor4d(
    Float32Array.from({ length: extent }, (_, i) => i / extent),
    shape,
  );
  const mixed = tf.add(tf.mul(last, tf.sub(1, weight)), tf.mul(head, weight));
  return tf.concat([mixed, tail], axis) as Tensor4D;
}
