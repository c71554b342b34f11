// AssemblyScript, compiled by build.mjs: what a transformer block does between its products, run on the wasm backend's heap.
import { exp4 } from './exp.as';

const LINEAR: f32 = 1.5957691216057308; // 2 sqrt(2 / pi)
const CUBIC: f32 = 0.07135481282553521; // 0.044715 of it

/** sigmoid(x (LINEAR + CUBIC x²)), the factor of x in GELU. */
// @ts-expect-error: decorator
@inline
function gate(x: v128): v128 {
  const one = f32x4.splat(1);
  const z = f32x4.mul(x, f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(CUBIC)), f32x4.splat(LINEAR)));
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(z))));
}

/** The GELU in its tanh form. */
// @ts-expect-error: decorator
@inline
function gelu4(x: v128): v128 { return f32x4.mul(x, gate(x)); }

/** Its derivative times dy: dy (s + y (1 - s) (LINEAR + 3 CUBIC x²)). */
// @ts-expect-error: decorator
@inline
function slope4(dy: v128, x: v128): v128 {
  const s = gate(x);
  const inner = f32x4.add(f32x4.mul(f32x4.mul(x, x), f32x4.splat(3 * CUBIC)), f32x4.splat(LINEAR));
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(x, s), inner), f32x4.sub(f32x4.splat(1), s));
  return f32x4.mul(dy, f32x4.add(s, tail));
}

/** y = gelu(x), `count` numbers. */
export function gelu(count: i32, x: usize, y: usize): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, x += 16, y += 16) v128.store(y, gelu4(v128.load(x)));
  for (; i < count; i++, x += 4, y += 4) v128.store_lane<u32>(y, gelu4(v128.load32_zero(x)), 0);
}

/** dx = dy gelu'(x), `count` numbers. */
export function geluGrad(count: i32, dy: usize, x: usize, dx: usize): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, dy += 16, x += 16, dx += 16) v128.store(dx, slope4(v128.load(dy), v128.load(x)));
  for (; i < count; i++, dy += 4, x += 4, dx += 4) {
    v128.store_lane<u32>(dx, slope4(v128.load32_zero(dy), v128.load32_zero(x)), 0);
  }
}

/** out [N, T, D] = x + gate [N, D] y. */
export function gatedResidual(N: i32, T: i32, D: i32, x: usize, gate: usize, y: usize, out: usize): void {
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      let i = 0;
      for (; i + 4 <= D; i += 4) {
        const at = <usize>i * 4;
        v128.store(out + at, f32x4.add(v128.load(x + at), f32x4.mul(v128.load(gate + at), v128.load(y + at))));
      }
      for (; i < D; i++) {
        const at = <usize>i * 4;
        store<f32>(out + at, load<f32>(x + at) + load<f32>(gate + at) * load<f32>(y + at));
      }
      x += <usize>D * 4; y += <usize>D * 4; out += <usize>D * 4;
    }
    gate += <usize>D * 4;
  }
}

/** dbranch [N, T, D] = dy gate, dgate [N, D] = the sums of dy y over T in float64. */
export function gatedResidualGrad(
  N: i32, T: i32, D: i32, dy: usize, gate: usize, y: usize, dgate: usize, dbranch: usize,
): void {
  const stride = <usize>D * 4;
  for (let n = 0; n < N; n++) {
    let i = 0;
    for (; i + 4 <= D; i += 4) {
      const factor = v128.load(gate + <usize>i * 4);
      let low = f64x2.splat(0), high = low;
      let at = <usize>i * 4;
      for (let t = 0; t < T; t++, at += stride) {
        const d = v128.load(dy + at);
        const product = f32x4.mul(d, v128.load(y + at));
        low = f64x2.add(low, f64x2.promote_low_f32x4(product));
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(product, product, 2, 3, 2, 3)));
        v128.store(dbranch + at, f32x4.mul(d, factor));
      }
      v128.store_lane<u64>(dgate + <usize>i * 4, f32x4.demote_f64x2_zero(low), 0);
      v128.store_lane<u64>(dgate + <usize>i * 4 + 8, f32x4.demote_f64x2_zero(high), 0);
    }
    for (; i < D; i++) {
      const factor = load<f32>(gate + <usize>i * 4);
      let sum: f64 = 0;
      let at = <usize>i * 4;
      for (let t = 0; t < T; t++, at += stride) {
        const d = load<f32>(dy + at);
        sum += <f64>(d * load<f32>(y + at));
        store<f32>(dbranch + at, d * factor);
      }
      store<f32>(dgate + <usize>i * 4, <f32>sum);
    }
    dy += <usize>T * stride; y += <usize>T * stride; dbranch += <usize>T * stride;
    gate += stride; dgate += stride;
  }
}
