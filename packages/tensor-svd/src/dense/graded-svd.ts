import { gemm } from './gemm';
import { householderQr } from './householder-qr';
import { type Matrix, transposed } from './matrix';
import { lengthFrom, pivotedQr } from './pivoted-qr';
import { SWEEPS_PER_VALUE } from './tridiagonal-qr';

/** The largest ratio of the sizes of two rows, or of two columns, of a matrix that does not count as graded. */
const ORDINARY = 2 ** 10;
/** With a largest entry of about 1, a vector shorter than this has too few digits to be normalised. */
const TINY = 1e-290;

/**
 * Whether rows or columns (other than zero ones) differ in size so much that small singular values need
 * {@link gradedSvd}.
 */
export function isGraded({ rows, cols, data }: Matrix): boolean {
  const inRow = new Float64Array(rows);
  const inColumn = new Float64Array(cols);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++, at++) {
      const size = Math.abs(data[at]);
      if (size > inRow[i]) inRow[i] = size;
      if (size > inColumn[j]) inColumn[j] = size;
    }
  }
  return [inRow, inColumn].some((sizes) => {
    const present = sizes.filter((size) => size > 0);
    return (
      present.length > 0 &&
      present.reduce((a, b) => Math.max(a, b)) > ORDINARY * present.reduce((a, b) => Math.min(a, b))
    );
  });
}

/**
 * SVD of a [m, n], m >= n, with entries of at most about 1, every singular value to high relative accuracy where
 * a = D B E with diagonal D and E and a well-conditioned B: pivoted QR, then one-sided Jacobi rotations of the rows of R
 * (Drmač and Veselić 2008, "New fast and accurate Jacobi SVD algorithm"). Checks nothing.
 *
 * @returns u [m, n], s [n] descending, v [n, n].
 */
export function gradedSvd(a: Matrix): { u: Matrix; s: Float64Array; v: Matrix } {
  const { rows: m, cols: n } = a;
  const { q, r, columnOrder } = pivotedQr(a);
  // rows of r are the vectors x_k; r = J diag(s) Wᵀ with x_k turned into s_k w_k by J
  const x = Array.from({ length: n }, (_, k) => r.subarray(k * n, (k + 1) * n));
  const turns = Array.from({ length: n }, (_, k) => {
    const unit = new Float64Array(n);
    unit[k] = 1;
    return unit;
  });
  const lengths = rotateUntilOrthogonal(x, turns);
  const order = Array.from(lengths.keys()).sort((i, j) => lengths[j] - lengths[i] || i - j);
  const s = Float64Array.from(order, (k) => lengths[k]);
  const w = unitVectors(
    order.map((k) => x[k]),
    s,
  );
  const rotation = new Float64Array(n * n);
  for (const [k, from] of order.entries()) for (let i = 0; i < n; i++) rotation[i * n + k] = turns[from][i];
  const v = new Float64Array(n * n);
  for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) v[columnOrder[j] * n + k] = w[k * n + j];
  const u = new Float64Array(m * n);
  gemm(
    { data: q.data, offset: 0, stride: n },
    { data: rotation, offset: 0, stride: n },
    { data: u, offset: 0, stride: n },
    { m, n, k: n },
  );
  return { u: { rows: m, cols: n, data: u }, s, v: { rows: n, cols: n, data: v } };
}

/**
 * Rotates pairs of `x`, and of `turns` in the same way, until all are orthogonal up to rounding. Returns their lengths.
 */
function rotateUntilOrthogonal(x: Float64Array[], turns: Float64Array[]): Float64Array {
  const n = x.length;
  const tolerance = Math.sqrt(n) * Number.EPSILON;
  const lengths = Float64Array.from(x, (vector) => lengthFrom(vector, 0));
  for (let sweep = 0; sweep < SWEEPS_PER_VALUE; sweep++) {
    let rotations = 0;
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        if (lengths[j] > lengths[i]) for (const list of [x, turns, lengths]) [list[i], list[j]] = [list[j], list[i]];
        if (lengths[j] === 0) continue;
        const cosine = cosineOf(x[i], x[j], lengths[i], lengths[j]);
        if (Math.abs(cosine) <= tolerance) continue;
        const ratio = lengths[j] / lengths[i];
        const zeta = (ratio - 1 / ratio) / (2 * cosine);
        const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        if (tangent === 0) continue; // lengths more than 1e300 apart
        rotations++;
        rotate(x[i], x[j], tangent);
        rotate(turns[i], turns[j], tangent);
        lengths[i] = lengthFrom(x[i], 0);
        lengths[j] = lengthFrom(x[j], 0);
      }
    }
    if (rotations === 0) return lengths;
  }
  throw new Error(`svd: Jacobi rotations did not converge in ${SWEEPS_PER_VALUE} sweeps over ${n} vectors`);
}

/** x · y / (|x| |y|), without underflow. */
function cosineOf(x: Float64Array, y: Float64Array, lengthX: number, lengthY: number): number {
  let sum = 0;
  if (lengthY > 1e-135) {
    for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
    return sum / lengthX / lengthY;
  }
  for (let i = 0; i < x.length; i++) sum += (x[i] / lengthX) * (y[i] / lengthY);
  return sum;
}

/** (x, y) <- (c x - s y, s x + c y), t = s / c. */
function rotate(x: Float64Array, y: Float64Array, tangent: number): void {
  const c = 1 / Math.sqrt(1 + tangent * tangent);
  const s = c * tangent;
  for (let i = 0; i < x.length; i++) {
    const before = x[i];
    x[i] = c * before - s * y[i];
    y[i] = s * before + c * y[i];
  }
}

/**
 * Returns rows [n, n]: the vectors divided by their lengths. Vectors of length 0 are replaced so that the rows are an
 * orthonormal basis.
 */
function unitVectors(x: readonly Float64Array[], lengths: Float64Array): Float64Array {
  const n = x.length;
  const known = lengths.findIndex((length) => !(length > TINY));
  const rows = new Float64Array(n * n);
  for (let k = 0; k < (known < 0 ? n : known); k++) {
    for (let i = 0; i < n; i++) rows[k * n + i] = x[k][i] / lengths[k];
  }
  if (known < 0) return rows;
  const { q } = householderQr({ rows: n, cols: n, data: transposed(rows, n, n) }); // zero columns leave unit ones
  const completed = transposed(q.data, n, n);
  rows.set(completed.subarray(known * n), known * n);
  return rows;
}
