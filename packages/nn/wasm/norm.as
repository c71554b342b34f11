// AssemblyScript, compiled by build.mjs: layer norm with the modulation of adaLN, run on the wasm backend's heap. Means are
// added in float64 and rounded once.

// @ts-expect-error: decorator
@inline
function low(x: v128): v128 { return f64x2.promote_low_f32x4(x); }
// @ts-expect-error: decorator
@inline
function high(x: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)); }
// @ts-expect-error: decorator
@inline
function both(x: v128): f64 { return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1); }

/**
 * y [N, T, D] = (x - mean) rstd (1 + scale [N, D]) + shift [N, D] over the last axis, and mean and rstd [N, T], where
 * rstd = 1 / sqrt(var + eps).
 */
export function normModulate(
  N: i32, T: i32, D: i32, x: usize, shift: usize, scale: usize, eps: f32, y: usize, means: usize, rstds: usize,
): void {
  const stride = <usize>D * 4;
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < T; t++) {
      let a = f64x2.splat(0), b = a;
      let i = 0;
      for (; i + 4 <= D; i += 4) {
        const p = v128.load(x + <usize>i * 4);
        a = f64x2.add(a, low(p)); b = f64x2.add(b, high(p));
      }
      let sum = both(f64x2.add(a, b));
      for (; i < D; i++) sum += load<f32>(x + <usize>i * 4);
      const mean = <f32>(sum / <f64>D);
      const m = f32x4.splat(mean);
      a = f64x2.splat(0); b = a;
      for (i = 0; i + 4 <= D; i += 4) {
        const c = f32x4.sub(v128.load(x + <usize>i * 4), m);
        const p = f32x4.mul(c, c);
        a = f64x2.add(a, low(p)); b = f64x2.add(b, high(p));
      }
      sum = both(f64x2.add(a, b));
      for (; i < D; i++) {
        const c = load<f32>(x + <usize>i * 4) - mean;
        sum += <f64>(c * c);
      }
      const rstd: f32 = 1 / sqrt(<f32>(sum / <f64>D) + eps);
      const r = f32x4.splat(rstd), one = f32x4.splat(1);
      for (i = 0; i + 4 <= D; i += 4) {
        const at = <usize>i * 4;
        const xhat = f32x4.mul(f32x4.sub(v128.load(x + at), m), r);
        v128.store(y + at, f32x4.add(f32x4.mul(xhat, f32x4.add(v128.load(scale + at), one)), v128.load(shift + at)));
      }
      for (; i < D; i++) {
        const at = <usize>i * 4;
        store<f32>(y + at, (load<f32>(x + at) - mean) * rstd * (load<f32>(scale + at) + 1) + load<f32>(shift + at));
      }
      store<f32>(means, mean);
      store<f32>(rstds, rstd);
      x += stride; y += stride; means += 4; rstds += 4;
    }
    shift += stride; scale += stride;
  }
}

/**
 * Its gradients: dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy (1 + scale), and dshift and dscale [N, D], the sums
 * of dy and dy xhat over T. `work` has room for 2 D numbers of float64.
 */
export function normModulateGrad(
  N: i32, T: i32, D: i32, dy: usize, x: usize, scale: usize, means: usize, rstds: usize,
  dx: usize, dshift: usize, dscale: usize, work: usize,
): void {
  const stride = <usize>D * 4;
  const one = f32x4.splat(1);
  for (let n = 0; n < N; n++) {
    memory.fill(work, 0, <usize>D * 16);
    for (let t = 0; t < T; t++) {
      const mean = load<f32>(means), rstd = load<f32>(rstds);
      const m = f32x4.splat(mean), r = f32x4.splat(rstd);
      let a = f64x2.splat(0), b = a, c = a, d = a;
      let shifts = work, scales = work + <usize>D * 8;
      let i = 0;
      for (; i + 4 <= D; i += 4) {
        const at = <usize>i * 4;
        const dv = v128.load(dy + at);
        const xhat = f32x4.mul(f32x4.sub(v128.load(x + at), m), r);
        const g = f32x4.mul(dv, f32x4.add(v128.load(scale + at), one));
        const gx = f32x4.mul(g, xhat), dyx = f32x4.mul(dv, xhat);
        a = f64x2.add(a, low(g)); b = f64x2.add(b, high(g));
        c = f64x2.add(c, low(gx)); d = f64x2.add(d, high(gx));
        v128.store(shifts, f64x2.add(v128.load(shifts), low(dv)));
        v128.store(shifts + 16, f64x2.add(v128.load(shifts + 16), high(dv)));
        v128.store(scales, f64x2.add(v128.load(scales), low(dyx)));
        v128.store(scales + 16, f64x2.add(v128.load(scales + 16), high(dyx)));
        shifts += 32; scales += 32;
      }
      let sumG = both(f64x2.add(a, b)), sumGx = both(f64x2.add(c, d));
      for (; i < D; i++, shifts += 8, scales += 8) {
        const at = <usize>i * 4;
        const dv = load<f32>(dy + at), xhat = (load<f32>(x + at) - mean) * rstd;
        const g = dv * (load<f32>(scale + at) + 1);
        sumG += <f64>g; sumGx += <f64>(g * xhat);
        store<f64>(shifts, load<f64>(shifts) + <f64>dv);
        store<f64>(scales, load<f64>(scales) + <f64>(dv * xhat));
      }
      const meanG = <f32>(sumG / <f64>D), slope = <f32>(sumGx / <f64>D);
      const mg = f32x4.splat(meanG), sl = f32x4.splat(slope);
      for (i = 0; i + 4 <= D; i += 4) {
        const at = <usize>i * 4;
        const xhat = f32x4.mul(f32x4.sub(v128.load(x + at), m), r);
        const g = f32x4.mul(v128.load(dy + at), f32x4.add(v128.load(scale + at), one));
        v128.store(dx + at, f32x4.mul(r, f32x4.sub(f32x4.sub(g, mg), f32x4.mul(xhat, sl))));
      }
      for (; i < D; i++) {
        const at = <usize>i * 4;
        const xhat = (load<f32>(x + at) - mean) * rstd;
        store<f32>(dx + at, rstd * (load<f32>(dy + at) * (load<f32>(scale + at) + 1) - meanG - xhat * slope));
      }
      x += stride; dy += stride; dx += stride; means += 4; rstds += 4;
    }
    for (let i = 0; i < D; i++) {
      store<f32>(dshift + <usize>i * 4, <f32>load<f64>(work + <usize>i * 8));
      store<f32>(dscale + <usize>i * 4, <f32>load<f64>(work + <usize>(D + i) * 8));
    }
    scale += stride; dshift += stride; dscale += stride;
  }
}
