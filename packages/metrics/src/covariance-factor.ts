import { engineCholesky, symmetricEigen, transpose } from '@learngene/tensor-svd';

/** lᵀ of a covariance S = l lᵀ: [rank, dims] row-major, rows are the columns of l. */
export interface CovarianceFactor {
  /** Numerical rank. */
  readonly rank: number;
  /** [rank, dims]. */
  readonly data: Float64Array;
}

/** Negative eigenvalues up to this share of the largest count as rounding, as in float32 statistics files. */
const INDEFINITE = 1e-3;

/**
 * Factors a symmetric positive semidefinite matrix by Cholesky with diagonal pivoting, up to its numerical rank. A
 * matrix that rounding made slightly indefinite is factored by its eigenvalues, with negative ones taken as 0.
 * @throws RangeError where the matrix is not symmetric, or has an eigenvalue below -1e-3 of the largest
 */
export function factorCovariance(name: string, covariance: Float64Array, dims: number): CovarianceFactor {
  checkSymmetric(name, covariance, dims);
  return choleskyOfEngine(covariance, dims) ?? pivotedCholesky(covariance, dims) ?? eigenFactor(name, covariance, dims);
}

/** Throws where a matrix differs from its transpose by more than 1e-4 of its largest entry. */
export function checkSymmetric(name: string, covariance: Float64Array, dims: number): void {
  let largest = 0;
  for (const value of covariance) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < dims; i++) {
    for (let j = i + 1; j < dims; j++) {
      const [upper, lower] = [covariance[i * dims + j], covariance[j * dims + i]];
      if (!(Math.abs(upper - lower) <= 1e-4 * largest)) {
        throw new RangeError(
          `${name}: expected a symmetric matrix, got [${i}, ${j}] ${upper} and [${j}, ${i}] ${lower}`,
        );
      }
    }
  }
}

/** Size from which on an engine's Cholesky pays for its copies. */
const LARGE = 128;

/** Cholesky by an engine, without pivoting: only of a matrix that is far from losing rank, so that no pivot is rounding. */
function choleskyOfEngine(covariance: Float64Array, dims: number): CovarianceFactor | undefined {
  if (dims < LARGE) return undefined;
  let largest = 0;
  for (let i = 0; i < dims; i++) largest = Math.max(largest, covariance[i * (dims + 1)]);
  // Its inverse must be a normal number too, and asymmetry is allowed that the engine would not take.
  if (!(largest > 1e-200 && largest < 1e200)) return undefined;
  const lower = Float64Array.from(covariance);
  for (let i = 0; i < dims; i++) for (let j = 0; j < i; j++) lower[j * dims + i] = lower[i * dims + j];
  const l = engineCholesky({ rows: dims, cols: dims, data: lower });
  if (l === undefined) return undefined;
  const least = 64 * dims * Number.EPSILON * largest;
  for (let i = 0; i < dims; i++) if (!(l.data[i * (dims + 1)] ** 2 > least)) return undefined;
  return { rank: dims, data: transpose(l).data };
}

/** Right-looking Cholesky with pivoting. Returns undefined where the remainder is too large to be a rounding error. */
function pivotedCholesky(covariance: Float64Array, dims: number): CovarianceFactor | undefined {
  const s = covariance.slice(); // rows stay where they are; `order` says which are pivots already
  const order = Int32Array.from({ length: dims }, (_, i) => i);
  const data = new Float64Array(dims * dims);
  const tolerance = 4 * dims * Number.EPSILON * largestDiagonal(s, dims, order, 0).value;
  for (let rank = 0; rank < dims; rank++) {
    const { at, value } = largestDiagonal(s, dims, order, rank);
    if (value <= tolerance)
      return isRounding(s, dims, order, rank, 16 * tolerance) ? { rank, data: data.slice(0, rank * dims) } : undefined;
    [order[rank], order[at]] = [order[at], order[rank]];
    const pivot = order[rank];
    const scale = 1 / Math.sqrt(value);
    const row = rank * dims;
    for (let t = rank; t < dims; t++) data[row + order[t]] = s[pivot * dims + order[t]] * scale;
    for (let t = rank + 1; t < dims; t++) {
      const i = order[t];
      const factor = data[row + i];
      if (factor === 0) continue;
      // This row of the factor is zero in the columns of earlier pivots, so the whole row can be updated in place.
      for (let j = 0; j < dims; j++) s[i * dims + j] -= factor * data[row + j];
    }
  }
  return { rank: dims, data };
}

function largestDiagonal(s: Float64Array, dims: number, order: Int32Array, from: number) {
  let at = from;
  for (let t = from + 1; t < dims; t++) if (s[order[t] * (dims + 1)] > s[order[at] * (dims + 1)]) at = t;
  return { at, value: s[order[at] * (dims + 1)] };
}

function isRounding(s: Float64Array, dims: number, order: Int32Array, from: number, tolerance: number): boolean {
  for (let t = from; t < dims; t++) {
    for (let r = from; r < dims; r++) if (!(Math.abs(s[order[t] * dims + order[r]]) <= tolerance)) return false;
  }
  return true;
}

function eigenFactor(name: string, covariance: Float64Array, dims: number): CovarianceFactor {
  const { values, vectors } = symmetricEigen({ rows: dims, cols: dims, data: covariance });
  const largest = values[dims - 1];
  if (!(values[0] >= -INDEFINITE * largest)) {
    throw new RangeError(
      `${name}: expected a positive semidefinite matrix, got eigenvalues from ${values[0]} to ${largest}`,
    );
  }
  const kept = Array.from({ length: dims }, (_, i) => i).filter((i) => values[i] > dims * Number.EPSILON * largest);
  const data = new Float64Array(kept.length * dims);
  kept.forEach((column, row) => {
    const scale = Math.sqrt(values[column]);
    for (let i = 0; i < dims; i++) data[row * dims + i] = vectors.data[i * dims + column] * scale;
  });
  return { rank: kept.length, data };
}
