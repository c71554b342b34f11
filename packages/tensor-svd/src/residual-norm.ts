import { type Generator, normal } from '@learngene/random';
import { matmul } from './decompositions';
import { checkMatrix, checkShape, type Matrix, scaleColumns, transpose } from './dense/matrix';
import type { SvdResult } from './linalg';

/** Options of {@link residualNorm}. */
export interface ResidualNormOptions {
  /** Power iterations, at least 1 (default 20). */
  readonly iterations?: number;
  /** Source of the random start; it moves on by n normals. */
  readonly generator: Generator;
}

/**
 * Estimates the spectral norm ‖a - u diag(s) vᵀ‖₂ by the power method (Halko, Martinsson and Tropp 2011, 4.4; fbpca's
 * `diffsnorm`): a lower bound that is within a few percent with high probability. An iteration costs two products with
 * `a`; the residual is never formed.
 *
 * @param a - [m, n].
 * @param factors - u [m, k], s [k], v [n, k], for example of {@link randomizedSvd}.
 * @throws When sizes do not go together or `a` is not finite.
 */
export function residualNorm(
  a: Matrix,
  factors: SvdResult,
  { iterations = 20, generator }: ResidualNormOptions,
): number {
  checkMatrix('a', a);
  checkFactors(a, factors);
  if (!Number.isInteger(iterations) || iterations < 1) {
    throw new Error(`iterations: expected an integer of at least 1, got ${iterations}`);
  }
  const at = transpose(a);
  const us = scaleColumns(factors.u, factors.s);
  const ust = transpose(us);
  const vt = transpose(factors.v);
  let x: Matrix = { rows: a.cols, cols: 1, data: Float64Array.from(normal(generator, a.cols)) };
  let estimate = 0;
  for (let i = 0; i < iterations; i++) {
    x = normalized(x).unit;
    const y = difference(matmul(a, x), matmul(us, matmul(vt, x)));
    const z = difference(matmul(at, y), matmul(factors.v, matmul(ust, y)));
    const image = normalized(y);
    if (image.norm === 0) return estimate;
    estimate = Math.max(estimate, image.norm);
    x = z;
  }
  return Math.max(estimate, Math.sqrt(normalized(x).norm));
}

function checkFactors(a: Matrix, { u, s, v }: SvdResult): void {
  checkShape('u', u);
  checkShape('v', v);
  if (u.rows !== a.rows || v.rows !== a.cols || u.cols !== s.length || v.cols !== s.length) {
    const got = `u [${u.rows}, ${u.cols}], s [${s.length}], v [${v.rows}, ${v.cols}]`;
    throw new Error(`factors: expected u [${a.rows}, k], s [k], v [${a.cols}, k], got ${got}`);
  }
}

function difference(a: Matrix, b: Matrix): Matrix {
  return { ...a, data: a.data.map((value, i) => value - b.data[i]) };
}

function normalized(x: Matrix): { unit: Matrix; norm: number } {
  let largest = 0;
  for (const value of x.data) largest = Math.max(largest, Math.abs(value));
  if (largest === 0) return { unit: x, norm: 0 };
  let square = 0;
  for (const value of x.data) square += (value / largest) ** 2;
  const norm = largest * Math.sqrt(square);
  return { unit: { ...x, data: x.data.map((value) => value / norm) }, norm };
}
