import { checkFeatureSet, checkInteger, checkSameDims } from './check';
import { largeProductNT } from './product';
import type { MomentStatistics } from './types';

/** Rows per update of the scatter matrix. */
const BLOCK_ROWS = 256;

/** A running mean and scatter matrix; {@link updateMoments} changes it in place. */
export interface Moments {
  /** Length of a vector. */
  readonly dims: number;
  /** Vectors seen. */
  count: number;
  /** [dims] mean of the vectors seen. */
  readonly mean: Float64Array;
  /** [dims, dims] Σ (x - mean)(x - mean)ᵀ; only the upper triangle is kept up to date. */
  readonly scatter: Float64Array;
}

/** Makes empty moments of vectors of length `dims`. Allocates `dims²` float64 values. */
export function createMoments(dims: number): Moments {
  checkInteger('dims', dims, 1);
  return { dims, count: 0, mean: new Float64Array(dims), scatter: new Float64Array(dims * dims) };
}

/**
 * Adds the rows of `features` ([n, dims] row-major, any n) to `moments`, in place. A NaN or infinity throws and leaves
 * `moments` unchanged. Batches are centred before they are multiplied (Chan, Golub, LeVeque 1979, eq. 2.1), so that
 * data far from the origin lose no digits.
 */
export function updateMoments(moments: Moments, features: Float32Array | Float64Array): void {
  const { dims } = moments;
  const count = features.length / dims;
  if (!Number.isInteger(count)) {
    throw new RangeError(`features: expected [n, ${dims}], got ${features.length} values, not a multiple of ${dims}`);
  }
  checkFeatureSet('features', { data: features, count, dims });
  for (let row = 0; row < count; row += BLOCK_ROWS) {
    addBlock(moments, features, row, Math.min(BLOCK_ROWS, count - row));
  }
}

function addBlock(moments: Moments, features: Float32Array | Float64Array, start: number, rows: number): void {
  const { dims } = moments;
  const mean = new Float64Array(dims);
  for (let r = 0, at = start * dims; r < rows; r++) for (let j = 0; j < dims; j++) mean[j] += features[at++];
  for (let j = 0; j < dims; j++) mean[j] /= rows;
  const centred = new Float64Array(dims * rows); // [dims, rows]: transposed, so that the product reads rows
  for (let r = 0, at = start * dims; r < rows; r++) {
    for (let j = 0; j < dims; j++) centred[j * rows + r] = features[at++] - mean[j];
  }
  largeProductNT({ a: centred, rows: dims, b: centred, cols: dims, depth: rows, upper: true }, moments.scatter);
  addMeanShift(moments, mean, rows);
}

/** Adds to a merge what the sum of the scatters lacks, n m / (n + m) δ δᵀ, and updates mean and count. */
function addMeanShift(moments: Moments, mean: Float64Array, count: number): void {
  const { dims, scatter } = moments;
  const total = moments.count + count;
  const weight = (moments.count * count) / total;
  const shift = mean.map((value, j) => value - moments.mean[j]);
  if (weight > 0) {
    for (let i = 0; i < dims; i++) {
      const scaled = weight * shift[i];
      for (let j = i, at = i * dims + i; j < dims; j++) scatter[at++] += scaled * shift[j];
    }
  }
  for (let j = 0; j < dims; j++) moments.mean[j] += (count / total) * shift[j];
  moments.count = total;
}

/**
 * Returns the moments of the union of two disjoint sets of vectors.
 *
 * @throws where the dims differ
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  checkSameDims('a', a, 'b', b);
  const merged = { dims: a.dims, count: a.count, mean: a.mean.slice(), scatter: a.scatter.slice() };
  if (b.count === 0) return merged;
  for (let i = 0; i < merged.scatter.length; i++) merged.scatter[i] += b.scatter[i];
  addMeanShift(merged, b.mean, b.count);
  return merged;
}

/**
 * Returns mean and covariance (ddof 1, `np.cov(rowvar=False)`) of the vectors seen, in new arrays. More vectors can be
 * added to `moments` afterwards.
 * @throws RangeError for fewer than 2 vectors
 */
export function finishMoments(moments: Moments): Required<MomentStatistics> {
  const { dims, count, scatter } = moments;
  if (count < 2) throw new RangeError(`moments: expected at least 2 vectors for a covariance, got ${count}`);
  const covariance = new Float64Array(dims * dims);
  for (let i = 0; i < dims; i++) {
    for (let j = i; j < dims; j++) {
      const value = scatter[i * dims + j] / (count - 1);
      covariance[i * dims + j] = value;
      covariance[j * dims + i] = value;
    }
  }
  return { mean: moments.mean.slice(), covariance, count };
}
