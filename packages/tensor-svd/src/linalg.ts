import { jsMatmul, jsQr, jsSvd, jsSymmetricEigen, jsSymmetricEigenvalues } from './dense/js-linalg';
import { permutedLower } from './dense/lu';
import type { Matrix } from './dense/matrix';

/** A thin singular value decomposition a = u diag(s) vᵀ of a [m, n], with k = min(m, n). */
export interface SvdResult {
  /** Left singular vectors [m, k], orthonormal columns. */
  readonly u: Matrix;
  /** Singular values [k], descending, not negative. */
  readonly s: Float64Array;
  /** Right singular vectors [n, k], orthonormal columns. */
  readonly v: Matrix;
}

/** A symmetric eigendecomposition a = vectors diag(values) vectorsᵀ of a [n, n]. */
export interface SymmetricEigenResult {
  /** Eigenvalues [n], ascending. */
  readonly values: Float64Array;
  /** Eigenvectors [n, n]: column j belongs to `values[j]`; orthonormal. */
  readonly vectors: Matrix;
}

/** A thin QR decomposition a = q r of a [m, n], with k = min(m, n). */
export interface QrResult {
  /** Orthonormal columns [m, k]. */
  readonly q: Matrix;
  /** Upper triangular (upper trapezoidal when m < n) [k, n]. */
  readonly r: Matrix;
}

/**
 * The float64 decompositions that an engine may replace. Arguments are checked before: they are finite, sizes fit, and
 * `symmetricEigen` and `symmetricEigenvalues` get an exactly symmetric matrix. An engine must not change its arguments,
 * and returns new arrays.
 */
export interface LinalgProvider {
  /** The name that {@link linalgName} returns. */
  readonly name: string;
  /** See {@link svd}. */
  readonly svd: (a: Matrix) => SvdResult;
  /** See {@link symmetricEigen}. */
  readonly symmetricEigen: (a: Matrix) => SymmetricEigenResult;
  /** See {@link symmetricEigenvalues}. */
  readonly symmetricEigenvalues: (a: Matrix) => Float64Array;
  /** See {@link qr}. */
  readonly qr: (a: Matrix) => QrResult;
  /** See {@link matmul}. */
  readonly matmul: (a: Matrix, b: Matrix) => Matrix;
  /** aᵀ b of a [k, m] and b [k, n]. Without it the transpose is made and `matmul` called. */
  readonly transposedMatmul?: (a: Matrix, b: Matrix) => Matrix;
  /** The lower triangular l with a = l lᵀ of a symmetric a; throws where a is not positive definite. Without it there is none. */
  readonly cholesky?: (a: Matrix) => Matrix;
  /** P L [m, min(m, n)] of a = P L U with partial pivoting. A column without a pivot is zero below its 1. */
  readonly permutedLower: (a: Matrix) => Matrix;
}

const jsProvider: LinalgProvider = {
  name: 'js',
  svd: jsSvd,
  symmetricEigen: jsSymmetricEigen,
  symmetricEigenvalues: jsSymmetricEigenvalues,
  qr: jsQr,
  matmul: jsMatmul,
  permutedLower,
};

let active = jsProvider;

/**
 * Makes another engine compute the decompositions of this package, for the whole process. Functions that `provider`
 * lacks stay in plain JavaScript. An application calls this once; a library package never does.
 *
 * @param provider - A name and any of the functions of {@link LinalgProvider}.
 * @returns A function that restores what was registered before.
 */
export function registerLinalg(provider: Partial<LinalgProvider> & { readonly name: string }): () => void {
  const before = active;
  active = { ...jsProvider, ...provider };
  return () => {
    active = before;
  };
}

/** Name of the engine in use: `'js'` unless another was registered. */
export function linalgName(): string {
  return active.name;
}

/** The engine in use. */
export function linalg(): LinalgProvider {
  return active;
}
