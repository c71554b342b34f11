import { createMatrix, type Matrix, matmul, svd, symmetricEigen, transpose } from '@learngene/tensor-svd';

/** W_l ≈ u diag(s[l]) vᵀ for all l. */
export interface SharedFactors {
  /** [out, r], columns of length 1. */
  readonly u: Matrix;
  /** [in, r], columns of length 1. */
  readonly v: Matrix;
  /** One array [r] a matrix. */
  readonly s: readonly Float64Array[];
}

/**
 * Matrices of one shape as u diag(s_l) vᵀ with u and v in common: start at the singular vectors of the sum,
 * then alternating least squares (the CANDECOMP/PARAFAC model of Carroll & Chang 1970).
 * Every sweep lowers the squared error or leaves it.
 */
export function sharedFactors(
  weights: readonly Matrix[],
  { rank, sweeps }: { rank: number; sweeps: number },
): SharedFactors {
  const { u: left, v: right } = svd(sumOf(weights, (w) => w));
  let u = firstColumns(left, rank);
  let v = firstColumns(right, rank);
  let s = solveScales(weights, u, v);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    u = unit(solveSide(weights, v, s));
    s = solveScales(weights, u, v);
    v = unit(solveSide(weights.map(transpose), u, s));
    s = solveScales(weights, u, v);
  }
  return { u, v, s };
}

/** Least squares for the left factor: (sum_l W_l v diag(s_l)) (vᵀv ∘ sum_l s_l s_lᵀ)⁺. */
function solveSide(weights: readonly Matrix[], v: Matrix, s: readonly Float64Array[]): Matrix {
  const r = v.cols;
  const projected = sumOf(weights, (w, l) => scaled(matmul(w, v), s[l])); // [out, r]
  const gram = matmul(transpose(v), v);
  for (let i = 0; i < r; i++) {
    for (let j = 0; j < r; j++) gram.data[i * r + j] *= s.reduce((sum, values) => sum + values[i] * values[j], 0);
  }
  return matmul(projected, pseudoInverse(gram));
}

/** Least squares for every s_l: (uᵀu ∘ vᵀv)⁺ diag(uᵀ W_l v). */
function solveScales(weights: readonly Matrix[], u: Matrix, v: Matrix): Float64Array[] {
  const gram = matmul(transpose(u), u);
  const other = matmul(transpose(v), v);
  for (let i = 0; i < gram.data.length; i++) gram.data[i] *= other.data[i];
  const inverse = pseudoInverse(gram);
  return weights.map((w) => {
    const product = matmul(w, v); // [out, r]
    const diagonal = new Float64Array(u.cols);
    for (let i = 0, at = 0; i < u.rows; i++) {
      for (let j = 0; j < u.cols; j++, at++) diagonal[j] += u.data[at] * product.data[at];
    }
    return matmul(inverse, createMatrix(diagonal.length, 1, diagonal)).data;
  });
}

/** The Moore-Penrose inverse of a symmetric matrix without negative eigenvalues. */
function pseudoInverse(a: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(a);
  const floor = 1e-12 * values[values.length - 1];
  return matmul(
    scaled(
      vectors,
      values.map((value) => (value > floor ? 1 / value : 0)),
    ),
    transpose(vectors),
  );
}

/** The sum of f(w, index). */
function sumOf(weights: readonly Matrix[], f: (w: Matrix, index: number) => Matrix): Matrix {
  const terms = weights.map(f);
  const total = createMatrix(terms[0].rows, terms[0].cols);
  for (const { data } of terms) for (let i = 0; i < data.length; i++) total.data[i] += data[i];
  return total;
}

function firstColumns(a: Matrix, count: number): Matrix {
  const part = createMatrix(a.rows, count);
  for (let i = 0; i < a.rows; i++) part.data.set(a.data.subarray(i * a.cols, i * a.cols + count), i * count);
  return part;
}

function scaled(a: Matrix, factors: ArrayLike<number>): Matrix {
  return { ...a, data: a.data.map((value, i) => value * factors[i % a.cols]) };
}

/** Columns scaled to length 1; zero columns stay. */
function unit(a: Matrix): Matrix {
  const lengths = new Float64Array(a.cols);
  for (const [i, value] of a.data.entries()) lengths[i % a.cols] += value * value;
  return scaled(
    a,
    lengths.map((square) => (square > 0 ? 1 / Math.sqrt(square) : 0)),
  );
}
