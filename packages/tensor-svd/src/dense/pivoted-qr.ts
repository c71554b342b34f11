import { type Matrix, transposed } from './matrix';
import { accumulateReflectors, makeReflector } from './reflectors';

/** The QR decomposition q r of a matrix a with its rows sorted and its columns pivoted. */
export interface PivotedQr {
  /** Orthonormal columns [m, n], rows in the order of a. */
  readonly q: Matrix;
  /** Upper triangular [n, n], row after row, columns in pivoted order. */
  readonly r: Float64Array;
  /** The index in a of the j-th pivoted column. */
  readonly columnOrder: Int32Array;
}

/**
 * Householder QR of a [m, n], m >= n, with rows sorted by their largest entry and columns pivoted (Businger and Golub
 * 1965): the error in every row and column is relative to its own size (Cox and Higham 1998). Checks nothing.
 */
export function pivotedQr(a: Matrix): PivotedQr {
  const { rows: m, cols: n } = a;
  const peaks = Float64Array.from({ length: m }, (_, i) => largestIn(a.data, i * n, (i + 1) * n));
  const rowOrder = Int32Array.from(peaks.keys()).sort((i, j) => peaks[j] - peaks[i] || i - j);
  const sorted = new Float64Array(m * n);
  for (let i = 0; i < m; i++) sorted.set(a.data.subarray(rowOrder[i] * n, (rowOrder[i] + 1) * n), i * n);
  const data = transposed(sorted, m, n);
  const columns = Array.from({ length: n }, (_, j) => data.subarray(j * m, (j + 1) * m));
  const columnOrder = Int32Array.from(columns.keys());
  const lengths = Float64Array.from(columns, (column) => lengthFrom(column, 0));
  const vectors = new Float64Array(n * m);
  const taus = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let j = k + 1; j < n; j++) if (lengths[j] > lengths[pivot]) pivot = j;
    for (const list of [columns, columnOrder, lengths]) [list[k], list[pivot]] = [list[pivot], list[k]];
    const v = vectors.subarray(k * m, (k + 1) * m);
    v.set(columns[k].subarray(k), k);
    const { tau, beta } = makeReflector(v, k, m - k, 0);
    taus[k] = tau;
    columns[k][k] = beta;
    for (let j = k + 1; j < n; j++) {
      reflect(columns[j], v, k, tau);
      lengths[j] = lengthFrom(columns[j], k + 1);
    }
  }
  const r = new Float64Array(n * n);
  for (let j = 0; j < n; j++) for (let i = 0; i <= j; i++) r[i * n + j] = columns[j][i];
  const ordered = accumulateReflectors({ vectors, taus, count: n, length: m, support: (j) => [j, m] }, n);
  const q = new Float64Array(m * n);
  for (let i = 0; i < m; i++) q.set(ordered.subarray(i * n, (i + 1) * n), rowOrder[i] * n);
  return { q: { rows: m, cols: n, data: q }, r, columnOrder };
}

/** c -= tau (c · v) v, from element `from` on. */
function reflect(c: Float64Array, v: Float64Array, from: number, tau: number): void {
  let sum = 0;
  for (let i = from; i < c.length; i++) sum += c[i] * v[i];
  sum *= tau;
  for (let i = from; i < c.length; i++) c[i] -= sum * v[i];
}

function largestIn(x: Float64Array, from: number, to: number): number {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(x[i]));
  return largest;
}

/** Euclidean length of x from element `from` on, without underflow. */
export function lengthFrom(x: Float64Array, from: number): number {
  let square = 0;
  for (let i = from; i < x.length; i++) square += x[i] * x[i];
  if (square > 1e-270) return Math.sqrt(square);
  const largest = largestIn(x, from, x.length);
  if (largest === 0) return 0;
  let scaled = 0;
  for (let i = from; i < x.length; i++) scaled += (x[i] / largest) ** 2;
  return largest * Math.sqrt(scaled);
}
