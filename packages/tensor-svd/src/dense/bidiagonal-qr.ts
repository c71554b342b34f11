import { hypotenuse } from './hypotenuse';
import type { RotationQueue } from './rotations';
import { SWEEPS_PER_VALUE } from './tridiagonal-qr';

/** The columns of U and of V, to which the rotations are applied. */
export interface BidiagonalRotations {
  readonly left: RotationQueue;
  readonly right: RotationQueue;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * Implicit QR iteration on an upper bidiagonal matrix, chased downwards: Golub and Kahan's shifted sweep, and Demmel
 * and Kahan's (1990) zero-shift sweep where the shift would be lost or a diagonal entry is zero. Turns `d` (n) and `e`
 * (n - 1) into singular values in `d`, unsorted and signed, and records the rotations. At most 60 n sweeps.
 */
export function bidiagonalQr(d: Float64Array, e: Float64Array, rotations: BidiagonalRotations): void {
  const n = d.length;
  const eps = Number.EPSILON;
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]), i < n - 1 ? Math.abs(e[i]) : 0);
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
      throw new Error(`svd: QR iteration did not converge in ${sweeps - 1} sweeps for ${n} singular values`);
    }
    const range = { low, high };
    const shift = sweepShift(d, e, range, floor);
    if (shift === 0) zeroShiftSweep(d, e, range, rotations);
    else shiftedSweep(d, e, range, shift, rotations);
  }
  rotations.left.flush();
  rotations.right.flush();
}

/** The smaller singular value of the trailing 2 x 2 block; 0 where a shift would be lost against the rest. */
function sweepShift(d: Float64Array, e: Float64Array, { low, high }: Range, floor: number): number {
  for (let i = low; i <= high; i++) {
    if (Math.abs(d[i]) <= floor) {
      // A zero on the diagonal: one zero-shift sweep moves it to the end.
      return 0;
    }
  }
  const shift = smallerSingularValue(d[high - 1], e[high - 1], d[high]);
  const ratio = shift / Math.abs(d[low]);
  return ratio * ratio < Number.EPSILON ? 0 : shift;
}

/** Smaller singular value of [[f, g], [0, h]] without overflow or cancellation (LAPACK's dlas2). */
function smallerSingularValue(f: number, g: number, h: number): number {
  const small = Math.min(Math.abs(f), Math.abs(h));
  const large = Math.max(Math.abs(f), Math.abs(h));
  const side = Math.abs(g);
  if (small === 0) return 0;
  const sum = 1 + small / large;
  const difference = (large - small) / large;
  if (side < large) {
    const square = (side / large) ** 2;
    return small * (2 / (Math.sqrt(sum * sum + square) + Math.sqrt(difference * difference + square)));
  }
  const ratio = large / side;
  const c = 1 / (Math.sqrt(1 + (sum * ratio) ** 2) + Math.sqrt(1 + (difference * ratio) ** 2));
  return 2 * (small * c * ratio);
}

function shiftedSweep(
  d: Float64Array,
  e: Float64Array,
  { low, high }: Range,
  shift: number,
  { left, right }: BidiagonalRotations,
): void {
  let f = (Math.abs(d[low]) - shift) * (Math.sign(d[low]) + shift / d[low]);
  let g = e[low];
  for (let i = low; i < high; i++) {
    let r = hypotenuse(f, g);
    let c = r === 0 ? 1 : f / r;
    let s = r === 0 ? 0 : g / r;
    if (i > low) e[i - 1] = r;
    f = c * d[i] + s * e[i];
    e[i] = c * e[i] - s * d[i];
    g = s * d[i + 1];
    d[i + 1] *= c;
    right.push(i, c, s);
    r = hypotenuse(f, g);
    c = r === 0 ? 1 : f / r;
    s = r === 0 ? 0 : g / r;
    d[i] = r;
    f = c * e[i] + s * d[i + 1];
    d[i + 1] = c * d[i + 1] - s * e[i];
    if (i + 1 < high) {
      g = s * e[i + 1];
      e[i + 1] *= c;
    }
    left.push(i, c, s);
  }
  e[high - 1] = f;
  left.endSweep();
  right.endSweep();
}

function zeroShiftSweep(
  d: Float64Array,
  e: Float64Array,
  { low, high }: Range,
  { left, right }: BidiagonalRotations,
): void {
  let c = 1;
  let oldC = 1;
  let oldS = 0;
  for (let i = low; i < high; i++) {
    const x = d[i] * c;
    let r = hypotenuse(x, e[i]);
    c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : e[i] / r;
    if (i > low) e[i - 1] = oldS * r;
    right.push(i, c, s);
    const y = oldC * r;
    const z = d[i + 1] * s;
    r = hypotenuse(y, z);
    oldC = r === 0 ? 1 : y / r;
    oldS = r === 0 ? 0 : z / r;
    d[i] = r;
    left.push(i, oldC, oldS);
  }
  const last = d[high] * c;
  d[high] = last * oldC;
  e[high - 1] = last * oldS;
  left.endSweep();
  right.endSweep();
}
