import { type Generator, normal } from '@learngene/random';
import { matmul, qr, svd } from './decompositions';
import { checkMatrix, leadingColumns, type Matrix, transpose } from './dense/matrix';
import { permuteColumns } from './dense/scale';
import { linalg, type SvdResult } from './linalg';

/**
 * How the sketch is kept well conditioned between power iterations. `'auto'`: `'none'` for up to 2 iterations, else
 * `'LU'`.
 */
export type PowerNormalizer = 'auto' | 'QR' | 'LU' | 'none';

/** Options of {@link randomizedSvd}; names in brackets are scikit-learn's. */
export interface RandomizedSvdOptions {
  /** Components to return, 1 to min(m, n) [n_components]. */
  readonly rank: number;
  /** Further random vectors of the sketch, at least 0 (default 10) [n_oversamples]. */
  readonly oversamples?: number;
  /** Power iterations (default `'auto'`: 7 when rank < 0.1 min(m, n), else 4) [n_iter]. */
  readonly powerIterations?: number | 'auto';
  /** Default `'auto'` [power_iteration_normalizer]. */
  readonly normalizer?: PowerNormalizer;
  /** Works on the transpose (default `'auto'`: when m < n) [transpose]. */
  readonly transpose?: boolean | 'auto';
  /** Makes the entry of largest magnitude of every column of u positive (default true) [flip_sign]. */
  readonly flipSign?: boolean;
  /**
   * Source of the random vectors. It moves on by columns * (rank + oversamples) normals; columns is that of `a`, or of
   * its transpose where that is used.
   */
  readonly generator: Generator;
}

/**
 * Truncated SVD from a random sketch with power iterations (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1).
 *
 * @param a - [m, n], not changed.
 * @returns u [m, rank], s [rank] descending, v [n, rank]; the caller owns them.
 * @throws On NaN, infinity, wrong sizes, a rank outside 1..min(m, n), or negative options.
 */
export function randomizedSvd(a: Matrix, options: RandomizedSvdOptions): SvdResult {
  checkMatrix('a', a);
  const { rank, oversamples = 10, flipSign = true, generator } = options;
  const smaller = Math.min(a.rows, a.cols);
  if (!Number.isInteger(rank) || rank < 1 || rank > smaller) {
    throw new Error(`rank: expected an integer from 1 to ${smaller}, got ${rank}`);
  }
  if (!Number.isInteger(oversamples) || oversamples < 0) {
    throw new Error(`oversamples: expected an integer of at least 0, got ${oversamples}`);
  }
  const asked = options.powerIterations ?? 'auto';
  const iterations = asked === 'auto' ? (rank < 0.1 * smaller ? 7 : 4) : asked;
  if (!Number.isInteger(iterations) || iterations < 0) {
    throw new Error(`powerIterations: expected 'auto' or an integer of at least 0, got ${iterations}`);
  }
  const flip = options.transpose ?? 'auto';
  const transposed = flip === 'auto' ? a.rows < a.cols : flip;
  const [plain, mirrored] = products(a);
  const basis = findRange(transposed ? mirrored : plain, transposed ? plain : mirrored, {
    cols: transposed ? a.rows : a.cols,
    size: Math.min(rank + oversamples, smaller),
    iterations,
    normalizer: options.normalizer ?? 'auto',
    generator,
  });
  // this decomposes the transpose of basisᵀ a [size, cols], so u and v are swapped
  const small = svd((transposed ? plain : mirrored)(basis));
  const left = matmul(basis, leadingColumns(small.v, rank));
  const right = leadingColumns(small.u, rank);
  const s = small.s.slice(0, rank);
  const result = transposed ? { u: right, s, v: left } : { u: left, s, v: right };
  return flipSign ? withPositivePeaks(result) : result;
}

type Product = (q: Matrix) => Matrix;

/** Products with `a` and with its transpose. */
function products(a: Matrix): [Product, Product] {
  const { transposedMatmul } = linalg();
  if (transposedMatmul !== undefined) return [(q) => matmul(a, q), (q) => transposedMatmul(a, q)];
  const at = transpose(a);
  return [(q) => matmul(a, q), (q) => matmul(at, q)];
}

/**
 * Returns an orthonormal basis [m, size] that nearly spans the range of a matrix [m, cols], given products with it and
 * its transpose.
 */
function findRange(
  times: Product,
  timesTranspose: Product,
  options: { cols: number; size: number; iterations: number; normalizer: PowerNormalizer; generator: Generator },
): Matrix {
  const { cols, size, iterations, generator } = options;
  const normalize = basisOf(options.normalizer, iterations);
  let q: Matrix = { rows: cols, cols: size, data: Float64Array.from(normal(generator, cols * size)) };
  for (let i = 0; i < iterations; i++) {
    q = normalize(times(q));
    q = normalize(timesTranspose(q));
  }
  return qr(times(q)).q;
}

function basisOf(normalizer: PowerNormalizer, iterations: number): (a: Matrix) => Matrix {
  switch (normalizer) {
    case 'auto':
      return basisOf(iterations <= 2 ? 'none' : 'LU', iterations);
    case 'QR':
      return (a) => qr(a).q;
    case 'LU':
      return linalg().permutedLower;
    case 'none':
      return (a) => a;
    default:
      throw new Error(`normalizer: expected 'auto', 'QR', 'LU' or 'none', got ${String(normalizer satisfies never)}`);
  }
}

function withPositivePeaks({ u, s, v }: SvdResult): SvdResult {
  const columns = Int32Array.from({ length: u.cols }, (_, j) => j);
  const signs = new Float64Array(u.cols).fill(1);
  for (let j = 0; j < u.cols; j++) {
    let peak = 0;
    for (let i = 0; i < u.rows; i++) {
      const value = u.data[i * u.cols + j];
      if (Math.abs(value) > Math.abs(peak)) peak = value;
    }
    if (peak < 0) signs[j] = -1;
  }
  return {
    u: { ...u, data: permuteColumns(u.data, u.rows, columns, signs) },
    s,
    v: { ...v, data: permuteColumns(v.data, v.rows, columns, signs) },
  };
}
