import { customOp, matmulNN, stackTensors } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Leaves } from './trees';

/** A run of samples and the adapter that they use in one layer. */
export interface LayerSegment {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** The adapter's tensors of this layer; undefined: the base model. */
  readonly leaves?: Leaves;
}

/**
 * Applies f to the samples of each segment and concatenates the results. One segment gets x itself. Several are split
 * and concatenated, and the gradients of these are a concatenation and a split, so the cost does not grow with the
 * number of segments.
 *
 * @param x - [N, ...]; segments cover it in order.
 * @param f - returns [samples of the segment, ..., out], or undefined for zeros (not for all segments).
 */
export function mapSegments<T extends tf.Tensor>(
  x: T,
  segments: readonly LayerSegment[],
  f: (rows: T, segment: LayerSegment) => tf.Tensor | undefined,
): tf.Tensor | undefined {
  if (segments.length === 1) return f(x, segments[0]);
  const sizes = segments.map(({ start, end }) => end - start);
  const pieces = tf.split(x, sizes, 0).map((rows, i) => f(rows as T, segments[i]));
  const known = pieces.find((piece) => piece !== undefined);
  if (!known) return undefined;
  const shape = known.shape.slice(1);
  return tf.concat(
    pieces.map((piece, i) => piece ?? tf.zeros([sizes[i], ...shape])),
    0,
  );
}

/** x plus what {@link mapSegments} gave. */
export function addDelta(x: tf.Tensor, delta: tf.Tensor | undefined): tf.Tensor3D {
  return (delta ? tf.add(x, delta) : x) as tf.Tensor3D;
}

/**
 * A vector for every sample, to be multiplied with [N, T, k]: [k] for one segment; for several [N, 1, k] by one product
 * with a one-hot matrix, so that no sample is moved.
 *
 * @param vectorOf - the vector [k] of a segment from its leaves.
 */
export function perSample(
  segments: readonly LayerSegment[],
  vectorOf: (leaves: Leaves | undefined) => tf.Tensor,
): tf.Tensor {
  const values = segments.map(({ leaves }) => vectorOf(leaves));
  if (segments.length === 1) return values[0];
  const N = segments[segments.length - 1].end;
  const oneHot = new Float32Array(N * segments.length);
  for (const [i, { start, end }] of segments.entries()) {
    for (let n = start; n < end; n++) oneHot[n * segments.length + i] = 1;
  }
  const rows = matmulNN(tf.tensor2d(oneHot, [N, segments.length]), stackTensors(values) as tf.Tensor2D);
  return tf.reshape(rows, [N, 1, -1]);
}

/** What `f` computes, as a constant: no gradient flows through it. */
export function constant<T extends tf.Tensor>(f: () => T): T {
  return customOp({ inputs: {}, forward: f, backward: () => ({}) });
}
