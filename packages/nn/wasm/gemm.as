// AssemblyScript, compiled by build.mjs: a matrix product for the wasm backend, run on that backend's own heap.
// c[i, j] = sum_k a(i, k) b(k, j) for each item of a batch. Both factors are packed into panels of 4 rows and 8 columns
// (zero padded), 256 of the inner axis at a time, so that the 4 x 8 tile in registers reads in order from L1.

const KB: i32 = 256;

/** Four vectors at p, `stride` bytes apart, as columns at `out`, `to` bytes apart. */
// @ts-expect-error: decorator
@inline
function turn(p: usize, stride: usize, out: usize, to: usize): void {
  const r0 = v128.load(p), r1 = v128.load(p + stride), r2 = v128.load(p + 2 * stride), r3 = v128.load(p + 3 * stride);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7), d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(a, b, 0, 2)); v128.store(out + to, v128.shuffle<i64>(a, b, 1, 3));
  v128.store(out + 2 * to, v128.shuffle<i64>(c, d, 0, 2)); v128.store(out + 3 * to, v128.shuffle<i64>(c, d, 1, 3));
}

/** Panels of R lines: out[line / R][k][line % R] = x[line, k]; strides in bytes. */
function pack(R: i32, lines: i32, k: i32, x: usize, lineStride: usize, kStride: usize, out: usize): void {
  const step = <usize>R * 4;
  for (let l = 0; l < lines; l += R, out += <usize>k * step) {
    let from = x + <usize>l * lineStride, to = out;
    let i = 0;
    if (l + R <= lines && lineStride === 4) {
      for (; i < k; i++, from += kStride, to += step) {
        v128.store(to, v128.load(from));
        if (R === 8) v128.store(to, v128.load(from, 16), 16);
      }
    } else if (l + R <= lines && kStride === 4) {
      for (; i + 4 <= k; i += 4, from += 16, to += 4 * step) {
        turn(from, lineStride, to, step);
        if (R === 8) turn(from + 4 * lineStride, lineStride, to + 16, step);
      }
    }
    for (; i < k; i++, from += kStride, to += step) {
      for (let r = 0; r < R; r++) {
        store<f32>(to + <usize>r * 4, l + r < lines ? load<f32>(from + <usize>r * lineStride) : 0);
      }
    }
  }
}

/** The 4 x 8 tile at c (row stride in bytes), plus what is there if `more`. */
function tile(k: i32, pa: usize, pb: usize, c: usize, stride: usize, more: bool): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  const end = pa + <usize>k * 16;
  while (pa < end) {
    const b0 = v128.load(pb), b1 = v128.load(pb, 16);
    const a0 = v128.load_splat<f32>(pa), a1 = v128.load_splat<f32>(pa, 4);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0)); c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    c10 = f32x4.add(c10, f32x4.mul(a1, b0)); c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    const a2 = v128.load_splat<f32>(pa, 8), a3 = v128.load_splat<f32>(pa, 12);
    c20 = f32x4.add(c20, f32x4.mul(a2, b0)); c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    c30 = f32x4.add(c30, f32x4.mul(a3, b0)); c31 = f32x4.add(c31, f32x4.mul(a3, b1));
    pa += 16;
    pb += 32;
  }
  const r1 = c + stride, r2 = r1 + stride, r3 = r2 + stride;
  if (more) {
    c00 = f32x4.add(c00, v128.load(c)); c01 = f32x4.add(c01, v128.load(c, 16));
    c10 = f32x4.add(c10, v128.load(r1)); c11 = f32x4.add(c11, v128.load(r1, 16));
    c20 = f32x4.add(c20, v128.load(r2)); c21 = f32x4.add(c21, v128.load(r2, 16));
    c30 = f32x4.add(c30, v128.load(r3)); c31 = f32x4.add(c31, v128.load(r3, 16));
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  v128.store(r1, c10); v128.store(r1, c11, 16);
  v128.store(r2, c20); v128.store(r2, c21, 16);
  v128.store(r3, c30); v128.store(r3, c31, 16);
}

/** Panels of 8 columns of b [k, N], whose neighbours in a row and a column are so many bytes apart. */
export function packColumns(N: i32, k: i32, b: usize, bColumn: usize, bK: usize, out: usize): void {
  pack(8, N, k, b, bColumn, bK, out);
}

/**
 * c [M, N] = a [M, k] times packed panels of columns, plus what is there if `more`; rows of c are `stride` bytes apart.
 * `work` has room for 32 + ceil4(M) * k floats.
 */
export function multiplyRows(
  M: i32, N: i32, k: i32, a: usize, aRow: usize, aK: usize, panels: usize, c: usize, stride: usize, more: bool, work: usize,
): void {
  const pa = work + 128;
  pack(4, M, k, a, aRow, aK, pa);
  for (let j = 0; j < N; j += 8) {
    const panel = panels + <usize>(j * k) * 4;
    for (let i = 0; i < M; i += 4) {
      const at = c + <usize>i * stride + <usize>j * 4;
      if (i + 4 <= M && j + 8 <= N) {
        tile(k, pa + <usize>(i * k) * 4, panel, at, stride, more);
        continue;
      }
      tile(k, pa + <usize>(i * k) * 4, panel, work, 32, false);
      for (let r = 0; r < min(4, M - i); r++) {
        for (let s = 0; s < min(8, N - j); s++) {
          const to = at + <usize>r * stride + <usize>s * 4;
          const value = load<f32>(work + <usize>(r * 8 + s) * 4);
          store<f32>(to, more ? load<f32>(to) + value : value);
        }
      }
    }
  }
}

/**
 * c [M, N] = a [M, K] b [K, N], plus what is there if `more`. A factor has its numbers where the strides say, in bytes: aRow
 * from row to row and aK along the inner axis, bColumn and bK alike. `work` has room for
 * (ceil4(M) + ceil8(N)) * min(K, 256) + 32 floats.
 */
export function product(
  M: i32, N: i32, K: i32, a: usize, aRow: usize, aK: usize, b: usize, bColumn: usize, bK: usize,
  c: usize, stride: usize, more: bool, work: usize,
): void {
  for (let k0 = 0; k0 < K; k0 += KB) {
    const k = min(KB, K - k0);
    const panels = work + 128 + <usize>(((M + 3) & ~3) * k) * 4;
    packColumns(N, k, b + <usize>k0 * bK, bColumn, bK, panels);
    multiplyRows(M, N, k, a + <usize>k0 * aK, aRow, aK, panels, c, stride, more || k0 > 0, work);
  }
}

/** A batch of products of [M, K] and [K, N], each factor stored so or transposed; `work` as above. */
export function gemm(
  batch: i32, M: i32, N: i32, K: i32, a: usize, transposeA: bool, b: usize, transposeB: bool, c: usize, work: usize,
): void {
  const aRow: usize = transposeA ? 4 : <usize>K * 4, aK: usize = transposeA ? <usize>M * 4 : 4;
  const bColumn: usize = transposeB ? <usize>K * 4 : 4, bK: usize = transposeB ? 4 : <usize>N * 4;
  for (let item = 0; item < batch; item++) {
    product(M, N, K, a, aRow, aK, b, bColumn, bK, c, <usize>N * 4, false, work);
    a += <usize>(M * K) * 4;
    b += <usize>(K * N) * 4;
    c += <usize>(M * N) * 4;
  }
}
