type F64 = Float64Array;

/** Decompositions of row-major float64 matrices, into the last arguments; k is the smaller of the sizes. */
export interface LinalgAddon {
  /** a [m, n] = u diag(s) vᵀ: u [m, k], s [k] descending, v [n, k]. */
  svd(m: number, n: number, a: F64, u: F64, s: F64, v: F64): void;
  /** a [n, n] = vectors diag(values) vectorsᵀ, values [n] ascending, vectors [n, n] in columns. */
  symmetricEigen(n: number, a: F64, values: F64, vectors: F64): void;
  /** The values of `symmetricEigen` alone. */
  symmetricEigenvalues(n: number, a: F64, values: F64): void;
  /** a [m, n] = q r: q [m, k], r [k, n] upper triangular. */
  qr(m: number, n: number, a: F64, q: F64, r: F64): void;
  /** a [n, n] = l lᵀ, l lower triangular; throws where a is not positive definite. */
  cholesky(n: number, a: F64, l: F64): void;
  /** c [m, n] = a [m, k] b [k, n]. */
  matmulF64(m: number, k: number, n: number, a: F64, b: F64, c: F64): void;
  /** c [m, n] = aᵀ b for a [k, m], b [k, n]. */
  transposedMatmulF64(m: number, k: number, n: number, a: F64, b: F64, c: F64): void;
  /** pl [m, k] of a [m, n] = pl U with partial pivoting: rows of a unit lower triangle, in the order of a. */
  permutedLower(m: number, n: number, a: F64, pl: F64): void;
}
