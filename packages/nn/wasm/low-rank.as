// AssemblyScript, compiled by build.mjs: layers u diag(s) vᵀ of low rank, run on the wasm backend's heap. Rows go through both
// products at once, so that the narrow rows between them stay in the cache.
import { product } from './gemm.as';

/** h [rows, r] = x v and y [rows, out] = (h s) uᵀ, plus what is there if `more`. */
function pass(
  rows: i32, width: i32, out: i32, x: usize, y: usize,
  r: i32, u: usize, s: usize, v: usize, h: usize, more: bool, work: usize,
): void {
  const scaled = work;
  work += (<usize>(rows * r) * 4 + 15) & ~15;
  product(rows, r, width, x, <usize>width * 4, 4, v, 4, <usize>r * 4, h, <usize>r * 4, false, work);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < r; i++) {
      const at = <usize>(row * r + i) * 4;
      store<f32>(scaled + at, load<f32>(h + at) * load<f32>(s + <usize>i * 4));
    }
  }
  product(rows, out, r, scaled, <usize>r * 4, 4, u, <usize>r * 4, 4, y, <usize>out * 4, more, work);
}

/**
 * Rows of y [rows, out] = ((x v) s) uᵀ + bias + ((x v2) s2) u2ᵀ for x [rows, width]; h and h2 get x v and x v2. There is no
 * bias where it is 0, the first factors are left out where r is 0, the second ones where r2 is 0. `work` has room for
 * rows (r or r2) + 4 numbers, and for the products.
 */
export function lowRankRows(
  rows: i32, width: i32, out: i32, x: usize, y: usize, bias: usize,
  r: i32, u: usize, s: usize, v: usize, h: usize, r2: i32, u2: usize, s2: usize, v2: usize, h2: usize, work: usize,
): void {
  if (r > 0) pass(rows, width, out, x, y, r, u, s, v, h, false, work);
  if (bias !== 0) {
    for (let row = 0; row < rows; row++) {
      const line = y + <usize>(row * out) * 4;
      let i = 0;
      for (; i + 4 <= out; i += 4) {
        const at = <usize>i * 4;
        v128.store(line + at, f32x4.add(v128.load(line + at), v128.load(bias + at)));
      }
      for (; i < out; i++) {
        const at = <usize>i * 4;
        store<f32>(line + at, load<f32>(line + at) + load<f32>(bias + at));
      }
    }
  }
  if (r2 > 0) pass(rows, width, out, x, y, r2, u2, s2, v2, h2, true, work);
}

/** c [M, N] = (aᵀ b) s for a [rows, width], of which it takes M columns, and b [rows, N]: the gradient of a factor. */
export function factorGrad(M: i32, N: i32, rows: i32, a: usize, width: i32, b: usize, s: usize, c: usize, work: usize): void {
  product(M, N, rows, a, 4, <usize>width * 4, b, 4, <usize>N * 4, c, <usize>N * 4, false, work);
  for (let row = 0; row < M; row++) {
    for (let i = 0; i < N; i++) {
      const at = c + <usize>(row * N + i) * 4;
      store<f32>(at, load<f32>(at) * load<f32>(s + <usize>i * 4));
    }
  }
}

/** out [r] = the sums of g h over rows, in float64: the gradient of s. */
export function scaleGrad(rows: i32, r: i32, g: usize, h: usize, out: usize): void {
  for (let i = 0; i < r; i++) {
    let sum: f64 = 0;
    for (let row = 0; row < rows; row++) {
      const at = <usize>(row * r + i) * 4;
      sum += <f64>(load<f32>(g + at) * load<f32>(h + at));
    }
    store<f32>(out + <usize>i * 4, <f32>sum);
  }
}
