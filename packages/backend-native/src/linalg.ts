import { loadNative } from './native';

/** A dense matrix in float64, row-major: element (i, j) is `data[i * cols + j]`. */
export interface HostMatrix {
  /** Number of rows, at least 1. */
  readonly rows: number;
  /** Number of columns, at least 1. */
  readonly cols: number;
  /** The `rows * cols` elements, row after row. */
  readonly data: Float64Array;
}

/** A thin SVD a = u diag(s) vᵀ. */
export interface HostSvd {
  /** Left singular vectors in the columns of [m, k]. */
  readonly u: HostMatrix;
  /** Singular values [k], descending. */
  readonly s: Float64Array;
  /** Right singular vectors in the columns of [n, k]. */
  readonly v: HostMatrix;
}

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export interface HostEigen {
  /** Eigenvalues [n], ascending. */
  readonly values: Float64Array;
  /** Eigenvectors in the columns of [n, n]. */
  readonly vectors: HostMatrix;
}

/** A thin QR a = q r. */
export interface HostQr {
  /** Orthonormal columns, [m, k]. */
  readonly q: HostMatrix;
  /** Upper triangular, [k, n]. */
  readonly r: HostMatrix;
}

/**
 * Decompositions in Rust, in the form that `registerLinalg` of `@learngene/tensor-svd` takes. Arguments are not
 * changed, and results are new arrays. All throw on sizes that do not fit, and all but the products throw on NaN and
 * infinity.
 */
export interface NativeLinalg {
  /** `'native'`. */
  readonly name: 'native';
  /**
   * Thin SVD of a [m, n]: u [m, k], s [k] descending, v [n, k], k = min(m, n). Every value has an error of a few ulps
   * of s[0]. For a graded matrix, whose rows or columns (other than zero ones) differ in size by a factor of more than
   * 1024, the error is a few ulps of the value itself times the condition number of B in a = D B E, with D and E
   * diagonal: such matrices keep their smallest values.
   */
  readonly svd: (a: HostMatrix) => HostSvd;
  /**
   * Eigenvalues [n], ascending, and eigenvectors in the columns of [n, n], of a symmetric matrix: errors of a few ulps of
   * the largest magnitude, none for a diagonal matrix.
   */
  readonly symmetricEigen: (a: HostMatrix) => HostEigen;
  /** Only the eigenvalues. */
  readonly symmetricEigenvalues: (a: HostMatrix) => Float64Array;
  /** Thin QR of a [m, n]: q [m, k], r [k, n]. */
  readonly qr: (a: HostMatrix) => HostQr;
  /** The lower triangular l [n, n] with a = l lᵀ; throws where a is not positive definite. */
  readonly cholesky: (a: HostMatrix) => HostMatrix;
  /** The product of a [m, k] and b [k, n]. */
  readonly matmul: (a: HostMatrix, b: HostMatrix) => HostMatrix;
  /** The product of the transpose of a [k, m] and b [k, n], without making the transpose. */
  readonly transposedMatmul: (a: HostMatrix, b: HostMatrix) => HostMatrix;
  /** P L [m, k] of a [m, n] = P L U with partial pivoting. A column without a pivot is zero below its 1. */
  readonly permutedLower: (a: HostMatrix) => HostMatrix;
}

const empty = (rows: number, cols: number): HostMatrix => ({ rows, cols, data: new Float64Array(rows * cols) });

function order(a: HostMatrix): number {
  if (a.rows !== a.cols) throw new Error(`a: expected a square matrix, got ${a.rows} x ${a.cols}`);
  return a.rows;
}

/**
 * The decompositions of this engine, for `registerLinalg(nativeLinalg())`.
 *
 * @throws NativeUnavailableError where the addon cannot be loaded
 */
export function nativeLinalg(): NativeLinalg {
  const addon = loadNative();
  return {
    name: 'native',
    svd(a) {
      const k = Math.min(a.rows, a.cols);
      const [u, s, v] = [empty(a.rows, k), new Float64Array(k), empty(a.cols, k)];
      addon.svd(a.rows, a.cols, a.data, u.data, s, v.data);
      return { u, s, v };
    },
    symmetricEigen(a) {
      const n = order(a);
      const [values, vectors] = [new Float64Array(n), empty(n, n)];
      addon.symmetricEigen(n, a.data, values, vectors.data);
      return { values, vectors };
    },
    symmetricEigenvalues(a) {
      const values = new Float64Array(order(a));
      addon.symmetricEigenvalues(a.rows, a.data, values);
      return values;
    },
    qr(a) {
      const k = Math.min(a.rows, a.cols);
      const [q, r] = [empty(a.rows, k), empty(k, a.cols)];
      addon.qr(a.rows, a.cols, a.data, q.data, r.data);
      return { q, r };
    },
    cholesky(a) {
      const l = empty(order(a), a.cols);
      addon.cholesky(a.rows, a.data, l.data);
      return l;
    },
    matmul(a, b) {
      if (a.cols !== b.rows) throw new Error(`b: expected ${a.cols} rows, got ${b.rows}`);
      const c = empty(a.rows, b.cols);
      addon.matmulF64(a.rows, a.cols, b.cols, a.data, b.data, c.data);
      return c;
    },
    transposedMatmul(a, b) {
      if (a.rows !== b.rows) throw new Error(`b: expected ${a.rows} rows, got ${b.rows}`);
      const c = empty(a.cols, b.cols);
      addon.transposedMatmulF64(a.cols, a.rows, b.cols, a.data, b.data, c.data);
      return c;
    },
    permutedLower(a) {
      const pl = empty(a.rows, Math.min(a.rows, a.cols));
      addon.permutedLower(a.rows, a.cols, a.data, pl.data);
      return pl;
    },
  };
}
