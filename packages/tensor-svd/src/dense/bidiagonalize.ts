import { makeReflector, type Reflectors } from './reflectors';

/** A square matrix as U B Vᵀ, B upper bidiagonal. */
export interface Bidiagonal {
  /** Diagonal of B, n values. */
  readonly diagonal: Float64Array;
  /** Entries above the diagonal, n - 1 values: B[i, i + 1]. */
  readonly side: Float64Array;
  /** U, as reflectors. */
  readonly left: Reflectors;
  /** V, as reflectors. */
  readonly right: Reflectors;
}

/** Golub-Kahan reduction of `a` [n, n] to upper bidiagonal form (Golub and Van Loan, 4th ed., 5.4.8), in place. */
export function bidiagonalize(a: Float64Array, n: number): Bidiagonal {
  const diagonal = new Float64Array(n);
  const side = new Float64Array(Math.max(0, n - 1));
  const rightCount = Math.max(0, n - 2);
  const left = new Float64Array(n * n);
  const leftTaus = new Float64Array(n);
  const right = new Float64Array(rightCount * n);
  const rightTaus = new Float64Array(rightCount);
  let x: Float64Array = new Float64Array(n); // the pending update of the block is - x yᵀ
  let y: Float64Array = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const v = left.subarray(k * n, (k + 1) * n);
    for (let i = k; i < n; i++) v[i] = a[i * n + k] - x[i] * y[k];
    const { tau, beta } = makeReflector(v, k, n - k, 0);
    leftTaus[k] = tau;
    diagonal[k] = beta;
    if (k === n - 1) break;
    const w = updateAndMultiplyLeft(a, n, k, { x, y, v });
    for (let j = k + 1; j < n; j++) w[j] *= tau;
    const row = new Float64Array(n);
    for (let j = k + 1; j < n; j++) row[j] = a[k * n + j] - w[j];
    if (k === n - 2) {
      side[k] = row[k + 1];
      // The last update, - v wᵀ, of the last column is still to do.
      x = v.slice();
      y = w;
      continue;
    }
    const reflector = makeReflector(row, k + 1, n - k - 1, 0);
    side[k] = reflector.beta;
    rightTaus[k] = reflector.tau;
    right.set(row, k * n);
    x = updateAndMultiplyRight(a, n, k + 1, { v, w, y: row });
    for (let i = k + 1; i < n; i++) x[i] *= reflector.tau;
    y = row;
  }
  return {
    diagonal,
    side,
    left: { vectors: left, taus: leftTaus, count: n, length: n, support: (j) => [j, n] },
    right: { vectors: right, taus: rightTaus, count: rightCount, length: n, support: (j) => [j + 1, n] },
  };
}

/** Rows and columns from k on: a -= x yᵀ, returns aᵀ v. */
function updateAndMultiplyLeft(
  a: Float64Array,
  n: number,
  k: number,
  { x, y, v }: { x: Float64Array; y: Float64Array; v: Float64Array },
): Float64Array {
  const w = new Float64Array(n);
  let i = k;
  for (; i + 1 < n; i += 2) {
    const at0 = i * n;
    const at1 = at0 + n;
    const x0 = x[i];
    const x1 = x[i + 1];
    const v0 = v[i];
    const v1 = v[i + 1];
    for (let j = k + 1; j < n; j++) {
      const yj = y[j];
      const a0 = a[at0 + j] - x0 * yj;
      const a1 = a[at1 + j] - x1 * yj;
      a[at0 + j] = a0;
      a[at1 + j] = a1;
      w[j] += v0 * a0 + v1 * a1;
    }
  }
  for (; i < n; i++) {
    for (let j = k + 1; j < n; j++) w[j] += v[i] * (a[i * n + j] -= x[i] * y[j]);
  }
  return w;
}

/** Rows and columns from k on: a -= v wᵀ, returns a y. */
function updateAndMultiplyRight(
  a: Float64Array,
  n: number,
  k: number,
  { v, w, y }: { v: Float64Array; w: Float64Array; y: Float64Array },
): Float64Array {
  const z = new Float64Array(n);
  let i = k;
  for (; i + 1 < n; i += 2) {
    const at0 = i * n;
    const at1 = at0 + n;
    const v0 = v[i];
    const v1 = v[i + 1];
    let sum0 = 0;
    let sum1 = 0;
    for (let j = k; j < n; j++) {
      const wj = w[j];
      const yj = y[j];
      const a0 = a[at0 + j] - v0 * wj;
      const a1 = a[at1 + j] - v1 * wj;
      a[at0 + j] = a0;
      a[at1 + j] = a1;
      sum0 += a0 * yj;
      sum1 += a1 * yj;
    }
    z[i] = sum0;
    z[i + 1] = sum1;
  }
  for (; i < n; i++) {
    for (let j = k; j < n; j++) z[i] += (a[i * n + j] -= v[i] * w[j]) * y[j];
  }
  return z;
}
