import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** How an image of latents or pixels is cut into tiles whose results fit together without a seam. */
export interface LocalTiles {
  /** Side of a tile of the input, halo not counted. */
  readonly tile: number;
  /** What is added on every side, where there is more of the input. */
  readonly halo: number;
  /** Sides of the result divided by those of the input. */
  readonly scale: number;
}

/** `apply` tile by tile. Each tile is computed with its halo, and what belongs to the halo is cut off. */
export function applyLocally(x: Tensor4D, apply: (part: Tensor4D) => Tensor4D, tiles: LocalTiles): Tensor4D {
  const [, H, W] = x.shape;
  const [rows, columns] = [spans(H, tiles), spans(W, tiles)];
  const strips = rows.map((row) =>
    joined(
      columns.map((column) =>
        tf.tidy(() => {
          const part = cut(x, row.from, row.to, column.from, column.to);
          const { scale } = tiles;
          return cut(
            apply(part),
            (row.start - row.from) * scale,
            (row.end - row.from) * scale,
            (column.start - column.from) * scale,
            (column.end - column.from) * scale,
          );
        }),
      ),
      2,
    ),
  );
  return joined(strips, 1);
}

/** The tiles along an axis: [start, end) is a tile, [from, to) the same with its halo. */
function spans(size: number, { tile, halo }: LocalTiles): { start: number; end: number; from: number; to: number }[] {
  return Array.from({ length: Math.ceil(size / tile) }, (_, i) => {
    const [start, end] = [i * tile, Math.min(size, (i + 1) * tile)];
    return { start, end, from: Math.max(0, start - halo), to: Math.min(size, end + halo) };
  });
}

/** Rows [top, bottom) and columns [left, right) of images. */
export function cut(x: Tensor4D, top: number, bottom: number, left: number, right: number): Tensor4D {
  const [N, , , C] = x.shape;
  return tf.slice(x, [0, top, left, 0], [N, bottom - top, right - left, C]);
}

/** Images side by side (axis 2) or below each other (axis 1); the parts are disposed. */
export function joined(parts: Tensor4D[], axis: 1 | 2): Tensor4D {
  if (parts.length === 1) return parts[0];
  const whole = tf.concat(parts, axis);
  tf.dispose(parts);
  return whole;
}
