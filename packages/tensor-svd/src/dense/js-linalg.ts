import { bidiagonalQr } from './bidiagonal-qr';
import { bidiagonalize } from './bidiagonalize';
import { gemm } from './gemm';
import { gradedSvd, isGraded } from './graded-svd';
import { householderQr } from './householder-qr';
import { type Matrix, transposed } from './matrix';
import { accumulateReflectors } from './reflectors';
import { createRotationQueue } from './rotations';
import { permuteColumns, scaledCopy } from './scale';
import { tridiagonalQr } from './tridiagonal-qr';
import { tridiagonalize } from './tridiagonalize';

/** a b, checks nothing. */
export function jsMatmul(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.rows * b.cols);
  gemm(
    { data: a.data, offset: 0, stride: a.cols },
    { data: b.data, offset: 0, stride: b.cols },
    { data, offset: 0, stride: b.cols },
    { m: a.rows, n: b.cols, k: a.cols },
  );
  return { rows: a.rows, cols: b.cols, data };
}

/** Thin QR of the matrix scaled to entries of about 1. Checks nothing. */
export function jsQr(a: Matrix): { q: Matrix; r: Matrix } {
  const { data, unscale } = scaledCopy(a.data);
  const { q, r } = householderQr({ rows: a.rows, cols: a.cols, data });
  return { q, r: { rows: r.rows, cols: r.cols, data: r.data.map((value) => value * unscale) } };
}

/** Thin SVD: Jacobi's for a graded matrix, else QR first when it is not square (Chan 1982). Checks nothing. */
export function jsSvd(a: Matrix): { u: Matrix; s: Float64Array; v: Matrix } {
  if (a.rows < a.cols) {
    const { u, s, v } = jsSvd({ rows: a.cols, cols: a.rows, data: transposed(a.data, a.rows, a.cols) });
    return { u: v, s, v: u };
  }
  const n = a.cols;
  const scaled = scaledCopy(a.data);
  if (isGraded(a)) {
    const { u, s, v } = gradedSvd({ rows: a.rows, cols: n, data: scaled.data });
    return { u, s: s.map((value) => value * scaled.unscale), v };
  }
  const tall = a.rows > n ? householderQr({ rows: a.rows, cols: n, data: scaled.data }) : undefined;
  const { diagonal, side, left, right } = bidiagonalize(tall ? tall.r.data : scaled.data, n);
  const u = accumulateReflectors(left, n);
  const v = accumulateReflectors(right, n);
  bidiagonalQr(diagonal, side, { left: createRotationQueue(u, n, n), right: createRotationQueue(v, n, n) });
  const order = Array.from(diagonal.keys()).sort((i, j) => Math.abs(diagonal[j]) - Math.abs(diagonal[i]) || i - j);
  const signs = order.map((i) => (diagonal[i] < 0 ? -1 : 1));
  const inner = { rows: n, cols: n, data: permuteColumns(u, n, order) };
  return {
    u: tall ? jsMatmul(tall.q, inner) : inner,
    s: Float64Array.from(order, (i) => Math.abs(diagonal[i]) * scaled.unscale),
    v: { rows: n, cols: n, data: permuteColumns(v, n, order, signs) },
  };
}

/** Eigenvalues, ascending, and eigenvectors of a symmetric matrix; reads the lower triangle and checks nothing. */
export function jsSymmetricEigen(a: Matrix): { values: Float64Array; vectors: Matrix } {
  const n = a.rows;
  const { data, unscale } = scaledCopy(a.data);
  const { diagonal, side, reflectors } = tridiagonalize(data, n);
  const q = accumulateReflectors(reflectors, n);
  tridiagonalQr(diagonal, side, createRotationQueue(q, n, n));
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[i] - diagonal[j] || i - j);
  return {
    values: Float64Array.from(order, (i) => diagonal[i] * unscale),
    vectors: { rows: n, cols: n, data: permuteColumns(q, n, order) },
  };
}

/** Only the eigenvalues, ascending: about a fifth of the work. */
export function jsSymmetricEigenvalues(a: Matrix): Float64Array {
  const { data, unscale } = scaledCopy(a.data);
  const { diagonal, side } = tridiagonalize(data, a.rows);
  tridiagonalQr(diagonal, side, createRotationQueue(undefined, a.rows, a.rows));
  return diagonal.map((value) => value * unscale).sort();
}
