import { makeReflector, type Reflectors } from './reflectors';

/** A symmetric matrix as Q T Qᵀ, T tridiagonal. */
export interface Tridiagonal {
  /** Diagonal of T, n values. */
  readonly diagonal: Float64Array;
  /** Entries beside the diagonal, n - 1 values: T[i, i + 1] = T[i + 1, i]. */
  readonly side: Float64Array;
  /** Q, as reflectors. */
  readonly reflectors: Reflectors;
}

/**
 * Householder reduction to tridiagonal form from the last row up (Golub and Van Loan, 4th ed., 8.3.1). Works on the
 * lower triangle of `a` [n, n] in place. The rank-2 update of one step and the product with the next reflector share
 * one pass over the triangle.
 */
export function tridiagonalize(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const side = new Float64Array(Math.max(0, n - 1));
  const count = Math.max(0, n - 2);
  const vectors = new Float64Array(count * n);
  const taus = new Float64Array(count);
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let nextV = new Float64Array(n);
  let nextW = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    const row = i * n;
    for (let c = 0; c <= i; c++) a[row + c] -= v[i] * w[c] + w[i] * v[c];
    diagonal[i] = a[row + i];
    if (i === 0) break;
    if (i === 1) {
      side[0] = a[row];
      // The last update of row 0 is still to do.
      continue;
    }
    const { tau, beta } = makeReflector(a, row, i, i - 1);
    side[i - 1] = beta;
    const j = n - 1 - i;
    taus[j] = tau;
    nextV.fill(0);
    nextV.set(a.subarray(row, row + i));
    vectors.set(nextV.subarray(0, i), j * n);
    nextW.fill(0);
    updateAndMultiply(a, n, i, { v, w, x: nextV, y: nextW });
    let dot = 0;
    for (let c = 0; c < i; c++) dot += nextW[c] * nextV[c];
    const shift = 0.5 * tau * tau * dot;
    for (let c = 0; c < i; c++) nextW[c] = tau * nextW[c] - shift * nextV[c];
    [v, nextV] = [nextV, v];
    [w, nextW] = [nextW, w];
  }
  return { diagonal, side, reflectors: { vectors, taus, count, length: n, support: (j) => [0, n - 1 - j] } };
}

/** a -= v wᵀ + w vᵀ on the lower triangle of the leading [size, size] block, and y += a x with the result. */
function updateAndMultiply(
  a: Float64Array,
  stride: number,
  size: number,
  { v, w, x, y }: { v: Float64Array; w: Float64Array; x: Float64Array; y: Float64Array },
): void {
  let r = 0;
  for (; r + 1 < size; r += 2) {
    const at0 = r * stride;
    const at1 = at0 + stride;
    const v0 = v[r];
    const w0 = w[r];
    const x0 = x[r];
    const v1 = v[r + 1];
    const w1 = w[r + 1];
    const x1 = x[r + 1];
    let sum0 = 0;
    let sum1 = 0;
    for (let c = 0; c < r; c++) {
      const wc = w[c];
      const vc = v[c];
      const xc = x[c];
      const a0 = a[at0 + c] - (v0 * wc + w0 * vc);
      const a1 = a[at1 + c] - (v1 * wc + w1 * vc);
      a[at0 + c] = a0;
      a[at1 + c] = a1;
      sum0 += a0 * xc;
      sum1 += a1 * xc;
      y[c] += a0 * x0 + a1 * x1;
    }
    const corner0 = (a[at0 + r] -= 2 * v0 * w0);
    const corner1 = (a[at1 + r] -= v1 * w0 + w1 * v0);
    const corner2 = (a[at1 + r + 1] -= 2 * v1 * w1);
    y[r] += sum0 + corner0 * x0 + corner1 * x1;
    y[r + 1] += sum1 + corner1 * x0 + corner2 * x1;
  }
  if (r < size) {
    const at = r * stride;
    let sum = 0;
    for (let c = 0; c < r; c++) {
      const value = a[at + c] - (v[r] * w[c] + w[r] * v[c]);
      a[at + c] = value;
      sum += value * x[c];
      y[c] += value * x[r];
    }
    y[r] += sum + (a[at + r] -= 2 * v[r] * w[r]) * x[r];
  }
}
