// AssemblyScript, compiled by build.mjs: a step of the optimiser for the wasm backend, run on that backend's own heap. It
// computes in float64 and rounds what it stores, as the plain loops of the specification do. What is to be done is a table:
// 10 numbers for each run of parameters, its length and the offsets of its values.

// @ts-expect-error: decorator
@inline
function get(row: usize, column: i32): usize { return load<u32>(row + <usize>column * 4); }

// @ts-expect-error: decorator
@inline
function two(at: usize): v128 { return f64x2.promote_low_f32x4(v128.load64_zero(at)); }

// @ts-expect-error: decorator
@inline
function storeTwo(at: usize, x: v128): void { v128.store_lane<u64>(at, f32x4.demote_f64x2_zero(x), 0); }

/**
 * AdamW (Loshchilov & Hutter 2019) of the runs `from` to `to`: count, p, g, m, v, e, and where the new p, m, v, e go; e is 0
 * where there is no moving average. Gradients are multiplied by `factor` in float32 first.
 */
export function adamW(
  table: usize, from: i32, to: i32, factor: f32, keep: f64, beta1: f64, rest1: f64, beta2: f64, rest2: f64,
  rate: f64, epsilon: f64, decay: f64, rest: f64,
): void {
  for (let run = from; run < to; run++) {
    const row = table + <usize>run * 40;
    const count = <i32>get(row, 0);
    let p = get(row, 1), g = get(row, 2), m = get(row, 3), v = get(row, 4), e = get(row, 5);
    let p1 = get(row, 6), m1 = get(row, 7), v1 = get(row, 8), e1 = get(row, 9);
    const averages = e !== 0;
    let i = 0;
    for (; i + 2 <= count; i += 2) {
      const gradient = f64x2.promote_low_f32x4(f32x4.mul(v128.load64_zero(g), f32x4.splat(factor)));
      const mean = f64x2.add(f64x2.mul(f64x2.splat(beta1), two(m)), f64x2.mul(f64x2.splat(rest1), gradient));
      const square = f64x2.add(
        f64x2.mul(f64x2.splat(beta2), two(v)),
        f64x2.mul(f64x2.mul(f64x2.splat(rest2), gradient), gradient),
      );
      const change = f64x2.div(
        f64x2.mul(f64x2.splat(rate), mean), f64x2.add(f64x2.sqrt(square), f64x2.splat(epsilon)),
      );
      const moved = f32x4.demote_f64x2_zero(f64x2.sub(f64x2.mul(f64x2.splat(keep), two(p)), change));
      storeTwo(m1, mean);
      storeTwo(v1, square);
      v128.store_lane<u64>(p1, moved, 0);
      if (averages) {
        const now = f64x2.mul(f64x2.splat(rest), f64x2.promote_low_f32x4(moved));
        storeTwo(e1, f64x2.add(f64x2.mul(f64x2.splat(decay), two(e)), now));
        e += 8; e1 += 8;
      }
      p += 8; g += 8; m += 8; v += 8; p1 += 8; m1 += 8; v1 += 8;
    }
    if (i < count) {
      const gradient = <f64>(load<f32>(g) * factor);
      const mean = beta1 * <f64>load<f32>(m) + rest1 * gradient;
      const square = beta2 * <f64>load<f32>(v) + rest2 * gradient * gradient;
      const moved = <f32>(keep * <f64>load<f32>(p) - (rate * mean) / (sqrt(square) + epsilon));
      store<f32>(m1, <f32>mean);
      store<f32>(v1, <f32>square);
      store<f32>(p1, moved);
      if (averages) store<f32>(e1, <f32>(decay * <f64>load<f32>(e) + rest * <f64>moved));
    }
  }
}

/** The moving averages of the runs: count, e, p, and where the new e goes. */
export function average(table: usize, from: i32, to: i32, decay: f64, rest: f64): void {
  for (let run = from; run < to; run++) {
    const row = table + <usize>run * 40;
    const count = <i32>get(row, 0);
    let e = get(row, 1), p = get(row, 2), out = get(row, 3);
    let i = 0;
    for (; i + 2 <= count; i += 2, e += 8, p += 8, out += 8) {
      storeTwo(out, f64x2.add(f64x2.mul(f64x2.splat(decay), two(e)), f64x2.mul(f64x2.splat(rest), two(p))));
    }
    if (i < count) store<f32>(out, <f32>(decay * <f64>load<f32>(e) + rest * <f64>load<f32>(p)));
  }
}

/** The sum of squares of every run (count, x) as float64 at `out` + 8 run. */
export function squaredNorms(table: usize, from: i32, to: i32, out: usize): void {
  for (let run = from; run < to; run++) {
    const row = table + <usize>run * 40;
    const count = <i32>get(row, 0);
    let x = get(row, 1);
    let a = f64x2.splat(0), b = a;
    let i = 0;
    for (; i + 4 <= count; i += 4, x += 16) {
      const p = two(x), q = two(x + 8);
      a = f64x2.add(a, f64x2.mul(p, p)); b = f64x2.add(b, f64x2.mul(q, q));
    }
    const all = f64x2.add(a, b);
    let sum = f64x2.extract_lane(all, 0) + f64x2.extract_lane(all, 1);
    for (; i < count; i++, x += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(x);
    store<f64>(out + <usize>run * 8, sum);
  }
}
