import { type Block, gemm } from './gemm';
import { type Matrix, transposed } from './matrix';
import { accumulateReflectors, BLOCK_SIZE, makeReflector, type Reflectors, wyTriangle } from './reflectors';

/** Row `j` of `data` (length `m`, from `from` on) becomes row - tau (row · v) v. */
function reflectRow(data: Float64Array, row: number, vector: number, size: number, tau: number): void {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += data[row + i] * data[vector + i];
  sum *= tau;
  for (let i = 0; i < size; i++) data[row + i] -= sum * data[vector + i];
}

/**
 * Thin QR by blocked Householder reflectors (Golub and Van Loan, 4th ed., 5.2.3), on the transpose so that columns are
 * contiguous: a [m, n] = q [m, k] r [k, n], k = min(m, n). Checks nothing.
 */
export function householderQr(a: Matrix): { q: Matrix; r: Matrix } {
  const { rows: m, cols: n } = a;
  const k = Math.min(m, n);
  const columns = transposed(a.data, m, n);
  const vectors = new Float64Array(k * m);
  const taus = new Float64Array(k);
  const r = new Float64Array(k * n);
  const reflectors: Reflectors = { vectors, taus, count: k, length: m, support: (j) => [j, m] };
  for (let j0 = 0; j0 < k; j0 += BLOCK_SIZE) {
    const count = Math.min(BLOCK_SIZE, k - j0);
    for (let j = j0; j < j0 + count; j++) {
      const at = j * m + j;
      for (let i = 0; i < j; i++) r[i * n + j] = columns[j * m + i];
      const { tau, beta } = makeReflector(columns, at, m - j, 0);
      r[j * n + j] = beta;
      taus[j] = tau;
      vectors.set(columns.subarray(at, (j + 1) * m), at);
      for (let c = j + 1; c < j0 + count; c++) reflectRow(columns, c * m + j, at, m - j, tau);
    }
    reflectTrailing(columns, reflectors, { j0, count, m, n });
  }
  for (let j = k; j < n; j++) for (let i = 0; i < k; i++) r[i * n + j] = columns[j * m + i];
  return {
    q: { rows: m, cols: k, data: accumulateReflectors(reflectors, k) },
    r: { rows: k, cols: n, data: r },
  };
}

/** Applies a block of reflectors to the columns right of it: Cᵀ -= ((Cᵀ V) T) Vᵀ. */
function reflectTrailing(
  columns: Float64Array,
  reflectors: Reflectors,
  { j0, count, m, n }: { j0: number; count: number; m: number; n: number },
): void {
  const first = j0 + count;
  const rest = n - first;
  if (rest === 0) return;
  const v: Block = { data: reflectors.vectors, offset: j0 * m + j0, stride: m };
  const c: Block = { data: columns, offset: first * m + j0, stride: m };
  const w: Block = { data: new Float64Array(rest * count), offset: 0, stride: count };
  const wt: Block = { data: new Float64Array(rest * count), offset: 0, stride: count };
  const t: Block = { data: wyTriangle(reflectors, j0, count), offset: 0, stride: count };
  gemm(c, v, w, { m: rest, n: count, k: m - j0, transposeB: true });
  gemm(w, t, wt, { m: rest, n: count, k: count });
  gemm(wt, v, c, { m: rest, n: m - j0, k: count, alpha: -1 });
}
