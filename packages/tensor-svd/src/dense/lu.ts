import type { Matrix } from './matrix';

/**
 * P L of a = P L U with partial pivoting, a [m, n] tall: a basis of the same column space whose entries are at most 1,
 * at a third of the cost of QR. A column without pivot is kept as zeros below its unit.
 */
export function permutedLower(a: Matrix): Matrix {
  const { rows: m, cols: n } = a;
  const k = Math.min(m, n);
  const x = a.data.slice();
  const order = Int32Array.from({ length: m }, (_, i) => i);
  for (let j = 0; j < k; j++) {
    let pivot = j;
    for (let i = j + 1; i < m; i++) if (Math.abs(x[order[i] * n + j]) > Math.abs(x[order[pivot] * n + j])) pivot = i;
    [order[j], order[pivot]] = [order[pivot], order[j]];
    const top = order[j] * n;
    if (x[top + j] === 0) continue;
    for (let i = j + 1; i < m; i++) {
      const row = order[i] * n;
      const factor = (x[row + j] /= x[top + j]);
      for (let c = j + 1; c < n; c++) x[row + c] -= factor * x[top + c];
    }
  }
  const data = new Float64Array(m * k);
  for (let i = 0; i < m; i++) {
    const row = order[i];
    for (let j = 0; j < Math.min(i, k); j++) data[row * k + j] = x[row * n + j];
    if (i < k) data[row * k + i] = 1;
  }
  return { rows: m, cols: k, data };
}
