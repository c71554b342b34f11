import { hypotenuse } from './hypotenuse';
import type { RotationQueue } from './rotations';

/** Sweeps allowed per eigenvalue or singular value; 2 are usual. An iteration that needs more is an error. */
export const SWEEPS_PER_VALUE = 60;

/**
 * Implicit symmetric QR iteration with Wilkinson's shift (Golub and Van Loan, 4th ed., 8.3.4): turns `d` (n) and `e`
 * (n - 1) into eigenvalues in `d`, unsorted, and records the rotations of the eigenvectors' columns. At most
 * 60 n sweeps.
 */
export function tridiagonalQr(d: Float64Array, e: Float64Array, rotations: RotationQueue): void {
  const n = d.length;
  const eps = Number.EPSILON;
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + (i < n - 1 ? Math.abs(e[i]) : 0));
  const floor = 0.5 * eps * norm;
  // Anything smaller is rounding. A stricter test would never end on repeated values.
  const negligible = (i: number) => Math.abs(e[i]) <= Math.max(floor, eps * (Math.abs(d[i]) + Math.abs(d[i + 1])));
  let sweeps = 0;
  for (let high = n - 1; high > 0; ) {
    if (negligible(high - 1)) {
      e[high - 1] = 0;
      high--;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !negligible(low - 1)) low--;
    if (low > 0) e[low - 1] = 0;
    if (sweeps++ >= SWEEPS_PER_VALUE * n) {
      throw new Error(
        `symmetricEigen: QR iteration did not converge in ${sweeps - 1} sweeps for a matrix of size ${n}`,
      );
    }
    const half = (d[high - 1] - d[high]) / 2;
    const corner = e[high - 1];
    const root = hypotenuse(half, corner);
    const shift = d[high] - corner * (corner / (half + (half < 0 ? -root : root)));
    chase(d, e, { low, high, shift }, rotations);
  }
  rotations.flush();
}

function chase(
  d: Float64Array,
  e: Float64Array,
  { low, high, shift }: { low: number; high: number; shift: number },
  rotations: RotationQueue,
): void {
  let x = d[low] - shift;
  let z = e[low];
  for (let i = low; i < high; i++) {
    const r = hypotenuse(x, z);
    const c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : z / r;
    if (i > low) e[i - 1] = r;
    const top = c * d[i] + s * e[i];
    const topSide = c * e[i] + s * d[i + 1];
    const bottom = c * e[i] - s * d[i];
    const bottomSide = c * d[i + 1] - s * e[i];
    d[i] = c * top + s * topSide;
    d[i + 1] = c * bottomSide - s * bottom;
    e[i] = c * topSide - s * top;
    if (i + 1 < high) {
      x = e[i];
      z = s * e[i + 1];
      e[i + 1] *= c;
    }
    rotations.push(i, c, s);
  }
  rotations.endSweep();
}
