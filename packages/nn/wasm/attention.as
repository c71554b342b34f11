// AssemblyScript, compiled by build.mjs: attention of heads that lie side by side in q, k, v [N, T or S, H Dh], run on the
// wasm backend's heap. Sums of lines are added in float64.
import { exp4 } from './exp.as';
import { product } from './gemm.as';

// @ts-expect-error: decorator
@inline
function low(x: v128): v128 { return f64x2.promote_low_f32x4(x); }
// @ts-expect-error: decorator
@inline
function high(x: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)); }
// @ts-expect-error: decorator
@inline
function both(x: v128): f64 { return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1); }

/** A line of `count` scores, times `scale`, through the softmax. */
function softmax(x: usize, count: i32, scale: f32): void {
  let most: f32 = -Infinity;
  let i = 0;
  for (; i < count; i++) most = max(most, load<f32>(x + <usize>i * 4));
  const top = f32x4.splat(most), s = f32x4.splat(scale);
  let a = f64x2.splat(0), b = a;
  for (i = 0; i + 4 <= count; i += 4) {
    const p = exp4(f32x4.mul(f32x4.sub(v128.load(x + <usize>i * 4), top), s));
    a = f64x2.add(a, low(p)); b = f64x2.add(b, high(p));
    v128.store(x + <usize>i * 4, p);
  }
  let sum = both(f64x2.add(a, b));
  for (; i < count; i++) {
    const p = f32x4.extract_lane(exp4(f32x4.splat((load<f32>(x + <usize>i * 4) - most) * scale)), 0);
    sum += <f64>p;
    store<f32>(x + <usize>i * 4, p);
  }
  const divisor = <f32>sum;
  const divisors = f32x4.splat(divisor);
  for (i = 0; i + 4 <= count; i += 4) v128.store(x + <usize>i * 4, f32x4.div(v128.load(x + <usize>i * 4), divisors));
  for (; i < count; i++) store<f32>(x + <usize>i * 4, load<f32>(x + <usize>i * 4) / divisor);
}

/** A line of the gradient of the scores: d = scale p (d - sum(d p)). */
function softmaxGrad(d: usize, p: usize, count: i32, scale: f32): void {
  let a = f64x2.splat(0), b = a;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const x = f32x4.mul(v128.load(d + <usize>i * 4), v128.load(p + <usize>i * 4));
    a = f64x2.add(a, low(x)); b = f64x2.add(b, high(x));
  }
  let sum = both(f64x2.add(a, b));
  for (; i < count; i++) sum += <f64>(load<f32>(d + <usize>i * 4) * load<f32>(p + <usize>i * 4));
  const dot = <f32>sum;
  for (i = 0; i < count; i++) {
    const at = <usize>i * 4;
    store<f32>(d + at, scale * load<f32>(p + at) * (load<f32>(d + at) - dot));
  }
}

/** The items `from` to `to` of N H: p [N H, T, S] = softmax(scale q kᵀ), out = p v. `work` has room for those products. */
export function attention(
  from: i32, to: i32, H: i32, T: i32, S: i32, D: i32, scale: f32,
  q: usize, k: usize, v: usize, p: usize, out: usize, work: usize,
): void {
  const stride = <usize>D * 4, line = <usize>S * 4;
  const width = D / H;
  for (let item = from; item < to; item++) {
    const n = item / H, head = <usize>((item % H) * width) * 4;
    const queries = <usize>n * <usize>T * stride + head, keys = <usize>n * <usize>S * stride + head;
    const mine = p + <usize>item * <usize>T * line;
    product(T, S, width, q + queries, stride, 4, k + keys, stride, 4, mine, line, false, work);
    for (let t = 0; t < T; t++) softmax(mine + <usize>t * line, S, scale);
    product(T, width, S, mine, line, 4, v + keys, 4, stride, out + queries, stride, false, work);
  }
}

/** Their gradients. `work` has room for T S numbers, and for those products. */
export function attentionGrad(
  from: i32, to: i32, H: i32, T: i32, S: i32, D: i32, scale: f32,
  inputs: usize, dq: usize, dk: usize, dv: usize, work: usize,
): void {
  const dy = <usize>load<u32>(inputs), q = <usize>load<u32>(inputs, 4), k = <usize>load<u32>(inputs, 8);
  const v = <usize>load<u32>(inputs, 12), p = <usize>load<u32>(inputs, 16);
  const stride = <usize>D * 4, line = <usize>S * 4;
  const width = D / H;
  const ds = work;
  work += (<usize>T * line + 15) & ~15;
  for (let item = from; item < to; item++) {
    const n = item / H, head = <usize>((item % H) * width) * 4;
    const queries = <usize>n * <usize>T * stride + head, keys = <usize>n * <usize>S * stride + head;
    const mine = p + <usize>item * <usize>T * line;
    product(T, S, width, dy + queries, stride, 4, v + keys, stride, 4, ds, line, false, work);
    for (let t = 0; t < T; t++) softmaxGrad(ds + <usize>t * line, mine + <usize>t * line, S, scale);
    product(T, width, S, ds, line, 4, k + keys, 4, stride, dq + queries, stride, false, work);
    product(S, width, T, ds, 4, line, q + queries, 4, stride, dk + keys, stride, false, work);
    product(S, width, T, mine, 4, line, dy + queries, 4, stride, dv + keys, stride, false, work);
  }
}
