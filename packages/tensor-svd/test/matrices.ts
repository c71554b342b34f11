import { readFixture } from '@learngene/testing';
import { matmul } from '../src/decompositions';
import { createMatrix, type Matrix, scaleColumns, transpose } from '../src/dense/matrix';

/** What `tools/fixtures/make_tensor_svd.py` wrote. */
export interface Reference {
  svdSmall: { name: string; a: Stored; s: number[] }[];
  svdLarge: { rows: number; cols: number; seed: number; s: number[] }[];
  eigenSmall: { name: string; a: Stored; values: number[] }[];
  eigenLarge: { n: number; seed: number; values: number[] }[];
  randomized: {
    s: number[];
    runs: {
      rank: number;
      n_iter: number | 'auto';
      normalizer: 'auto' | 'QR' | 'LU' | 'none';
      transpose: boolean | 'auto';
      s: number[];
      u: Stored;
      v: Stored;
    }[];
  };
  lu: { a: Stored; pl: Stored }[];
}

export interface Stored {
  rows: number;
  cols: number;
  data: number[];
}

export const reference = readFixture<Reference>(import.meta.url, '../fixtures/reference.json');

export const restore = ({ rows, cols, data }: Stored): Matrix => createMatrix(rows, cols, data);

/** Numbers in [-1, 1) by Park and Miller's generator, the same as `park_miller` of the fixture script. */
export function parkMiller(seed: number, rows: number, cols: number): Matrix {
  let state = seed;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
  return createMatrix(rows, cols, Float64Array.from({ length: rows * cols }, next));
}

/** Largest |a - b| over all elements. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** Largest |aᵀ a - I|. */
export function orthogonalityError(a: Matrix): number {
  const gram = matmul(transpose(a), a).data.slice();
  for (let i = 0; i < a.cols; i++) gram[i * (a.cols + 1)] -= 1;
  return largestDifference(gram, new Float64Array(gram.length));
}

/** u diag(s) vᵀ. */
export function compose(u: Matrix, s: ArrayLike<number>, v: Matrix): Matrix {
  return matmul(scaleColumns(u, s), transpose(v));
}

/** Square root of the sum of squares. */
export function frobenius(a: ArrayLike<number>): number {
  return Math.sqrt(Array.from(a).reduce((sum, x) => sum + x * x, 0));
}
