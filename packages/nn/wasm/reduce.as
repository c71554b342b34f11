// AssemblyScript, compiled by build.mjs: sums of float32 for the wasm backend, run on that backend's own heap.
// Added in float64 and rounded once, as a sum of many like numbers must be: float32 after float32 drifts by a percent.

/** The two halves of four floats, added to a pair of accumulators each. */
// @ts-expect-error: decorator
@inline
function low(x: v128): v128 { return f64x2.promote_low_f32x4(x); }
// @ts-expect-error: decorator
@inline
function high(x: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)); }

/** The sum of `count` neighbours. */
function line(x: usize, count: i32): f64 {
  let a = f64x2.splat(0), b = a, c = a, d = a;
  let i = 0;
  for (; i + 8 <= count; i += 8, x += 32) {
    const p = v128.load(x), q = v128.load(x, 16);
    a = f64x2.add(a, low(p)); b = f64x2.add(b, high(p));
    c = f64x2.add(c, low(q)); d = f64x2.add(d, high(q));
  }
  const all = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  let sum = f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
  for (; i < count; i++, x += 4) sum += load<f32>(x);
  return sum;
}

/** Sums of `count` rows, `stride` bytes apart, of 16 columns, divided and stored. */
function columns16(x: usize, count: i32, stride: usize, divisor: v128, out: usize): void {
  let a = f64x2.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (let r = 0; r < count; r++, x += stride) {
    const p = v128.load(x), q = v128.load(x, 16);
    a = f64x2.add(a, low(p)); b = f64x2.add(b, high(p));
    c = f64x2.add(c, low(q)); d = f64x2.add(d, high(q));
    const s = v128.load(x, 32), t = v128.load(x, 48);
    e = f64x2.add(e, low(s)); f = f64x2.add(f, high(s));
    g = f64x2.add(g, low(t)); h = f64x2.add(h, high(t));
  }
  store2(a, divisor, out); store2(b, divisor, out + 8); store2(c, divisor, out + 16); store2(d, divisor, out + 24);
  store2(e, divisor, out + 32); store2(f, divisor, out + 40); store2(g, divisor, out + 48); store2(h, divisor, out + 56);
}

/** The same of 2 columns. */
function columns2(x: usize, count: i32, stride: usize, divisor: v128, out: usize): void {
  let a = f64x2.splat(0);
  for (let r = 0; r < count; r++, x += stride) a = f64x2.add(a, low(v128.load64_zero(x)));
  store2(a, divisor, out);
}

// @ts-expect-error: decorator
@inline
function store2(sums: v128, divisor: v128, out: usize): void {
  v128.store_lane<u64>(out, f32x4.demote_f64x2_zero(f64x2.div(sums, divisor)), 0);
}

/**
 * out [outer, inner] = the sums of x [outer, count, inner] over the middle axis, divided by `divisor`. Rows of x and of out
 * are `stride` bytes apart: some of the columns can be taken.
 */
export function fold(x: usize, outer: i32, count: i32, inner: i32, stride: usize, divisor: f64, out: usize): void {
  const divisors = f64x2.splat(divisor);
  for (let o = 0; o < outer; o++) {
    if (stride === 4) {
      store<f32>(out, <f32>(line(x, count) / divisor));
    } else {
      let i = 0;
      for (; i + 16 <= inner; i += 16) columns16(x + <usize>i * 4, count, stride, divisors, out + <usize>i * 4);
      for (; i + 2 <= inner; i += 2) columns2(x + <usize>i * 4, count, stride, divisors, out + <usize>i * 4);
      if (i < inner) {
        let sum: f64 = 0;
        let from = x + <usize>i * 4;
        for (let r = 0; r < count; r++, from += stride) sum += load<f32>(from);
        store<f32>(out + <usize>i * 4, <f32>(sum / divisor));
      }
    }
    x += <usize>count * stride;
    out += stride;
  }
}

/** Softmax of every line [outer, count]: the maximum leaves first, the exponentials are added in float64. */
export function normalizeLines(x: usize, outer: i32, count: i32): void {
  for (let o = 0; o < outer; o++) {
    const sum = <f32>line(x, count);
    const factors = f32x4.splat(sum);
    let i = 0;
    for (; i + 4 <= count; i += 4, x += 16) v128.store(x, f32x4.div(v128.load(x), factors));
    for (; i < count; i++, x += 4) store<f32>(x, load<f32>(x) / sum);
  }
}
