import { checkMatrix, checkShape, type Matrix } from './dense/matrix';
import { linalg, type QrResult, type SvdResult, type SymmetricEigenResult } from './linalg';

/**
 * Exact thin SVD, a = u diag(s) vᵀ. In plain JavaScript: Householder QR when the matrix is not square (Chan 1982),
 * Golub-Kahan bidiagonalisation, implicit QR with Demmel and Kahan's zero-shift sweeps. The backward error, and with it
 * the error of every singular value, is a few ulps of s[0].
 *
 * A graded matrix, whose rows or columns (other than zero ones) differ in size by a factor of more than 1024, is
 * decomposed by pivoted QR and one-sided Jacobi rotations (Drmač and Veselić 2008), at five to ten times the work.
 * Write a = D B E with the diagonal D and E for which the condition number of B is least. The error of every singular
 * value is then a few ulps of that value times this condition number. Diagonal and graded matrices thus keep their
 * smallest values to full relative accuracy, down to 1e-290 of s[0]. The signs of the vectors are not normalised.
 *
 * @param a - [m, n], not changed.
 * @returns u [m, k], s [k] descending, v [n, k], k = min(m, n); the caller owns them.
 * @throws On NaN, infinity or a wrong number of values; and if 60 k sweeps do not converge.
 */
export function svd(a: Matrix): SvdResult {
  checkMatrix('a', a);
  return linalg().svd(a);
}

/** The largest |a - aᵀ| that counts as rounding, as a share of the largest |a|. */
const ASYMMETRY_ALLOWED = 1e-6;

function symmetrized(a: Matrix): Matrix {
  checkMatrix('a', a);
  const n = a.rows;
  if (a.cols !== n) throw new Error(`a: expected a square matrix, got ${a.rows} x ${a.cols}`);
  const data = new Float64Array(n * n);
  let largest = 0;
  let asymmetry = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const lower = a.data[i * n + j];
      const upper = a.data[j * n + i];
      largest = Math.max(largest, Math.abs(lower), Math.abs(upper));
      asymmetry = Math.max(asymmetry, Math.abs(lower - upper));
      data[i * n + j] = data[j * n + i] = 0.5 * lower + 0.5 * upper;
    }
  }
  if (asymmetry > ASYMMETRY_ALLOWED * largest) {
    throw new Error(`a: expected a symmetric matrix, got entries that differ by ${asymmetry} from their mirror`);
  }
  return { rows: n, cols: n, data };
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, a = vectors diag(values) vectorsᵀ. In plain JavaScript:
 * Householder tridiagonalisation and implicit QR with Wilkinson's shift. The error of every eigenvalue is a few ulps of
 * the largest magnitude; the values of a diagonal matrix are its elements. Small eigenvalues of a graded positive
 * definite matrix are those of {@link svd}, which keeps their relative accuracy.
 *
 * @param a - [n, n], not changed; (a + aᵀ) / 2 is decomposed.
 * @returns values [n] ascending, vectors [n, n] in columns; the caller owns them.
 * @throws On NaN, infinity, wrong sizes, asymmetry above 1e-6 of the largest entry; and if 60 n sweeps do not converge.
 */
export function symmetricEigen(a: Matrix): SymmetricEigenResult {
  return linalg().symmetricEigen(symmetrized(a));
}

/**
 * Returns only the eigenvalues [n] of {@link symmetricEigen}, ascending: about five times faster.
 *
 * @throws As {@link symmetricEigen}.
 */
export function symmetricEigenvalues(a: Matrix): Float64Array {
  return linalg().symmetricEigenvalues(symmetrized(a));
}

/**
 * Thin QR by Householder reflectors, a = q r. The diagonal of r may be negative.
 *
 * @param a - [m, n], not changed.
 * @returns q [m, k] with orthonormal columns, r [k, n] upper triangular, k = min(m, n); the caller owns them.
 * @throws On NaN, infinity or a wrong number of values.
 */
export function qr(a: Matrix): QrResult {
  checkMatrix('a', a);
  return linalg().qr(a);
}

/**
 * The product a b of a [m, k] and b [k, n], summed in float64. NaN and infinity pass through.
 *
 * @returns A new matrix [m, n].
 * @throws When the inner sizes differ.
 */
export function matmul(a: Matrix, b: Matrix): Matrix {
  checkShape('a', a);
  checkShape('b', b);
  if (a.cols !== b.rows) {
    throw new Error(`b: expected ${a.cols} rows, the columns of a [${a.rows}, ${a.cols}], got [${b.rows}, ${b.cols}]`);
  }
  return linalg().matmul(a, b);
}

/**
 * The lower triangular l [n, n] with a = l lᵀ of a symmetric positive definite matrix, by the engine in use.
 *
 * @returns undefined where the engine has no such function (plain JavaScript), or a is not positive definite.
 * @throws On NaN, infinity, wrong sizes, or asymmetry above 1e-6 of the largest entry.
 */
export function engineCholesky(a: Matrix): Matrix | undefined {
  const { cholesky } = linalg();
  if (cholesky === undefined) return undefined;
  const symmetric = symmetrized(a);
  try {
    return cholesky(symmetric);
  } catch {
    return undefined; // finite and square: it is not positive definite
  }
}
