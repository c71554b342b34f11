// log, sine and cosine in float32 arithmetic, with the rounding of the AVX2 code that torch uses for normal numbers:
// the polynomials are those of Cephes (Moshier), every product that is added to something is a fused multiply-add.
// JavaScript has no such instruction. The same expression in doubles, rounded once to float32, gives the same result,
// because the product of two float32 numbers is exact in a double. Math.log, Math.sin and Math.cos would differ by up
// to 3 units in the last place, and from engine to engine.

const { fround } = Math;
const bits = new ArrayBuffer(4);
const asFloat = new Float32Array(bits);
const asInteger = new Int32Array(bits);

const SQRT_HALF = fround(Math.SQRT1_2);
const LN2_HIGH = 0.693359375;
const LN2_LOW = fround(-2.1219444e-4);
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);

/** log(x) of a normal positive float32. */
export function logFloat(x: number): number {
  asFloat[0] = x;
  let exponent = (asInteger[0] >> 23) - 126;
  asInteger[0] = (asInteger[0] & 0x7fffff) | 0x3f000000;
  let m = asFloat[0]; // in [1/2, 1)
  if (m < SQRT_HALF) {
    exponent -= 1;
    m = m - 1 + m; // exact
  } else m -= 1;
  const square = fround(m * m);
  let y = LOG[0];
  for (let i = 1; i < LOG.length; i++) y = fround(y * m + LOG[i]);
  y = fround(fround(y * m) * square + fround(exponent * LN2_LOW));
  y = fround(y - square * 0.5);
  return fround(exponent * LN2_HIGH + fround(m + y));
}

const FOUR_OVER_PI = fround(4 / Math.PI);
const QUARTER_PI = [0.78515625, fround(2.4187564849853516e-4), fround(3.774894977445941e-8)];
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);

/** Writes cos(x) to `out[at]` and sin(x) to `out[at + 1]`, x a float32 in [0, 8192). */
export function cosSinFloat(x: number, out: Float32Array, at: number): void {
  const octant = (fround(x * FOUR_OVER_PI) + 1) & ~1;
  let r = x;
  for (const part of QUARTER_PI) r = fround(r - octant * part); // in [-pi/4, pi/4]
  const square = fround(r * r);
  let c = fround(COS[0] * square + COS[1]);
  c = fround(fround(c * square + COS[2]) * square);
  c = fround(fround(c * square - fround(square * 0.5)) + 1);
  let s = fround(SIN[0] * square + SIN[1]);
  s = fround(fround(s * square + SIN[2]) * square);
  s = fround(s * r + r);
  const swapped = (octant & 2) !== 0;
  out[at] = ((octant + 2) & 4) === 0 ? (swapped ? s : c) : -(swapped ? s : c);
  out[at + 1] = (octant & 4) === 0 ? (swapped ? c : s) : -(swapped ? c : s);
}
