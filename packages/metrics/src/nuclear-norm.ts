import { createGenerator, uniform } from '@learngene/random';
import { linalgName, svd } from '@learngene/tensor-svd';

/**
 * Returns the nuclear norm, the sum of the singular values σ_i, of a row-major [rows, cols] float64 matrix. `data` is
 * overwritten. Householder bidiagonalisation (Golub and Kahan 1965) with one pass over the matrix per step is followed
 * by bisection on the tridiagonal matrix whose eigenvalues are ±σ_i (Golub and Van Loan, 8.6.1). Every value has full
 * absolute accuracy, and no iteration can fail.
 */
export function nuclearNorm(data: Float64Array, rows: number, cols: number): number {
  if (rows === 0 || cols === 0) return 0;
  if (linalgName() !== 'js' && Math.min(rows, cols) >= LARGE) return normByEngine(data, rows, cols);
  const unscale = scaleToOne(data);
  const tall = rows >= cols;
  const { diagonal, superdiagonal } = tall
    ? bidiagonalize(data, rows, cols)
    : bidiagonalize(transpose(data, rows, cols), cols, rows);
  return bidiagonalValues(diagonal, superdiagonal).reduce((sum, value) => sum + value, 0) * unscale;
}

/** Size from which on an engine's decomposition is faster. */
const LARGE = 128;

/**
 * By the singular values of an engine. A matrix whose rows or columns differ in size by more than 1024 takes a slower way there,
 * which keeps the relative accuracy of the smallest values. Their sum needs none, so that a reflector with entries of one
 * magnitude, I - 2 v vᵀ, mixes the rows first, and another the columns: the values stay, and the sizes become alike.
 */
function normByEngine(data: Float64Array, rows: number, cols: number): number {
  const unscale = scaleToOne(data);
  const g = createGenerator(rows + cols);
  const signs = (size: number) => uniform(g, size).map((value) => (value < 0.5 ? -1 : 1));
  const [v, u] = [signs(rows), signs(cols)];
  const mean = new Float64Array(cols);
  for (let i = 0; i < rows; i++) addScaled(mean, data, i * cols, (2 * v[i]) / rows, 0, cols);
  for (let i = 0; i < rows; i++) {
    const at = i * cols;
    let sum = 0;
    for (let j = 0; j < cols; j++) {
      data[at + j] -= v[i] * mean[j];
      sum += u[j] * data[at + j];
    }
    for (let j = 0; j < cols; j++) data[at + j] -= ((2 * sum) / cols) * u[j];
  }
  return svd({ rows, cols, data }).s.reduce((sum, value) => sum + value, 0) * unscale;
}

/**
 * Divides by the power of two that brings the largest magnitude into [1, 2), so that squares neither overflow nor
 * underflow.
 */
function scaleToOne(data: Float64Array): number {
  let largest = 0;
  for (const value of data) largest = Math.max(largest, Math.abs(value));
  if (!(largest > 0 && largest < Number.POSITIVE_INFINITY)) return 1;
  // Clamped so that the factor and its inverse are both normal numbers.
  const scale = 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
  for (let i = 0; i < data.length; i++) data[i] /= scale;
  return scale;
}

function transpose(data: Float64Array, rows: number, cols: number): Float64Array {
  const out = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = data[i * cols + j];
  return out;
}

/** Upper bidiagonal form of a matrix with rows >= cols: the absolute values of both diagonals. */
function bidiagonalize(a: Float64Array, rows: number, cols: number) {
  const diagonal = new Float64Array(cols);
  const superdiagonal = new Float64Array(Math.max(0, cols - 1));
  const w = new Float64Array(cols); // xᵀA over the remaining rows, x the remaining part of column k
  for (let i = 0; i < rows; i++) addScaled(w, a, i * cols, a[i * cols], 0, cols);
  for (let k = 0; k < cols; k++) {
    // Left reflector I - v vᵀ / h of column k: v = x + sign(x0) ‖x‖ e0, h = vᵀv / 2 = ‖x‖² + |x0| ‖x‖.
    const norm = Math.sqrt(Math.max(0, w[k]));
    const head = a[k * cols + k];
    const alpha = head < 0 ? -norm : norm;
    const h = norm * (norm + Math.abs(head));
    diagonal[k] = norm;
    if (k + 1 >= cols) break;
    if (h > 0) for (let j = k; j < cols; j++) w[j] = (w[j] + alpha * a[k * cols + j]) / h;
    else w.fill(0);
    const reflect = head + alpha; // v's first entry; the others are the column itself
    for (let j = k + 1; j < cols; j++) a[k * cols + j] -= reflect * w[j];
    const { u, scale, norm: above } = rowReflector(a, k * cols, k + 1, cols);
    superdiagonal[k] = above;
    const next = new Float64Array(cols);
    for (let i = k + 1; i < rows; i++) {
      const at = i * cols;
      const v = a[at + k];
      let y = 0;
      for (let j = k + 1; j < cols; j++) {
        const value = a[at + j] - v * w[j];
        a[at + j] = value;
        y += value * u[j];
      }
      y *= scale;
      for (let j = k + 1; j < cols; j++) a[at + j] -= y * u[j];
      addScaled(next, a, at, a[at + k + 1], k + 1, cols);
    }
    w.set(next);
  }
  return { diagonal, superdiagonal };
}

/** target[j] += factor * a[at + j], from <= j < to. */
function addScaled(target: Float64Array, a: Float64Array, at: number, factor: number, from: number, to: number): void {
  for (let j = from; j < to; j++) target[j] += factor * a[at + j];
}

/** Right reflector I - scale u uᵀ that clears a row beyond its first entry. */
function rowReflector(a: Float64Array, at: number, from: number, cols: number) {
  const u = new Float64Array(cols);
  let squares = 0;
  for (let j = from; j < cols; j++) squares += (u[j] = a[at + j]) ** 2;
  const norm = Math.sqrt(squares);
  const h = norm * (norm + Math.abs(u[from]));
  u[from] += u[from] < 0 ? -norm : norm;
  return { u, norm, scale: h > 0 ? 1 / h : 0 };
}

/** Singular values of an upper bidiagonal matrix by Sturm counts on [[0, Bᵀ], [B, 0]] in its tridiagonal order. */
export function bidiagonalValues(diagonal: Float64Array, superdiagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  const squares = new Float64Array(2 * n - 1); // squared off-diagonal d1, e1, d2, e2, ... of the 2n x 2n matrix
  let bound = 0;
  for (let i = 0; i < n; i++) {
    squares[2 * i] = diagonal[i] ** 2;
    if (i + 1 < n) squares[2 * i + 1] = superdiagonal[i] ** 2;
    const left = i > 0 ? superdiagonal[i - 1] : 0;
    bound = Math.max(bound, diagonal[i] + left, diagonal[i] + (i + 1 < n ? superdiagonal[i] : 0));
  }
  const values = new Float64Array(n);
  fillValues(squares, values, { low: 0, high: bound, below: 0, upTo: n, width: bound * 2 ** -54 });
  return values;
}

interface Interval {
  readonly low: number;
  readonly high: number;
  /** Number of singular values below `low` and below `high`. */
  readonly below: number;
  readonly upTo: number;
  /** Stop at this width. */
  readonly width: number;
}

/** Halves an interval until each singular value in it is known. */
function fillValues(squares: Float64Array, values: Float64Array, start: Interval): void {
  const stack = [start];
  for (let interval = stack.pop(); interval; interval = stack.pop()) {
    const { low, high, below, upTo, width } = interval;
    if (upTo <= below) continue;
    const middle = (low + high) / 2;
    if (high - low <= width || middle <= low || middle >= high) {
      values.fill(middle, below, upTo);
      continue;
    }
    const count = Math.min(upTo, Math.max(below, countBelow(squares, middle)));
    stack.push({ low, high: middle, below, upTo: count, width }, { low: middle, high, below: count, upTo, width });
  }
}

/** Counts the singular values below `x` > 0: the negative pivots of T - x I, less the n negative eigenvalues. */
function countBelow(squares: Float64Array, x: number): number {
  let pivot = -x;
  let negative = 1;
  for (let i = 0; i < squares.length; i++) {
    pivot = -x - squares[i] / pivot;
    if (pivot < 0) negative++;
    else if (pivot === 0) pivot = Number.MIN_VALUE * 2 ** 60;
  }
  return negative - (squares.length + 1) / 2;
}
