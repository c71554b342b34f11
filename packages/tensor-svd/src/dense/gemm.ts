/** A row-major block inside a larger array: element (i, j) is `data[offset + i * stride + j]`. */
export interface Block {
  readonly data: Float64Array;
  readonly offset: number;
  readonly stride: number;
}

/** Sizes and forms of one {@link gemm} call. */
export interface GemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** `a` is stored as [k, m]. */
  readonly transposeA?: boolean;
  /** `b` is stored as [n, k]. */
  readonly transposeB?: boolean;
  /** Factor of the product (default 1). */
  readonly alpha?: number;
}

const TILE = 4;
const DEPTH = 256;

/** Copies a [count, k] (or transposed [k, count]) block into strips of `TILE` rows, k-major, zero padded. */
function pack(from: Block, count: number, k: number, across: boolean, k0: number, packed: Float64Array): void {
  const { data, offset, stride } = from;
  for (let i = 0; i < count; i += TILE) {
    const height = Math.min(TILE, count - i);
    const at = i * k;
    if (height < TILE) packed.fill(0, at, at + TILE * k);
    for (let t = 0; t < height; t++) {
      let source = across ? offset + k0 * stride + i + t : offset + (i + t) * stride + k0;
      const step = across ? stride : 1;
      for (let p = 0, to = at + t; p < k; p++, source += step, to += TILE) packed[to] = data[source];
    }
  }
}

/** sum[4 x 4] = strip of `a` (k x 4) transposed times strip of `b` (k x 4): sixteen sums in registers. */
function multiplyTile(a: Float64Array, a0: number, b: Float64Array, b0: number, k: number, sum: Float64Array): void {
  let c00 = 0,
    c01 = 0,
    c02 = 0,
    c03 = 0;
  let c10 = 0,
    c11 = 0,
    c12 = 0,
    c13 = 0;
  let c20 = 0,
    c21 = 0,
    c22 = 0,
    c23 = 0;
  let c30 = 0,
    c31 = 0,
    c32 = 0,
    c33 = 0;
  for (let p = 0, i = a0, j = b0; p < k; p++, i += 4, j += 4) {
    const y0 = b[j];
    const y1 = b[j + 1];
    const y2 = b[j + 2];
    const y3 = b[j + 3];
    let x = a[i];
    c00 += x * y0;
    c01 += x * y1;
    c02 += x * y2;
    c03 += x * y3;
    x = a[i + 1];
    c10 += x * y0;
    c11 += x * y1;
    c12 += x * y2;
    c13 += x * y3;
    x = a[i + 2];
    c20 += x * y0;
    c21 += x * y1;
    c22 += x * y2;
    c23 += x * y3;
    x = a[i + 3];
    c30 += x * y0;
    c31 += x * y1;
    c32 += x * y2;
    c33 += x * y3;
  }
  sum[0] = c00;
  sum[1] = c01;
  sum[2] = c02;
  sum[3] = c03;
  sum[4] = c10;
  sum[5] = c11;
  sum[6] = c12;
  sum[7] = c13;
  sum[8] = c20;
  sum[9] = c21;
  sum[10] = c22;
  sum[11] = c23;
  sum[12] = c30;
  sum[13] = c31;
  sum[14] = c32;
  sum[15] = c33;
}

/**
 * c += alpha * op(a) op(b), in float64, c [m, n]. Packed strips and 4 x 4 register tiles (Goto and van de Geijn, 2008);
 * 2 to 3 GFLOP/s in V8. `c` must not overlap `a` or `b`.
 */
export function gemm(a: Block, b: Block, c: Block, shape: GemmShape): void {
  const { m, n, k, transposeA = false, transposeB = false, alpha = 1 } = shape;
  const span = Math.min(k, DEPTH);
  const packedA = new Float64Array(Math.ceil(m / TILE) * TILE * span);
  const packedB = new Float64Array(Math.ceil(n / TILE) * TILE * span);
  const sum = new Float64Array(TILE * TILE);
  for (let k0 = 0; k0 < k; k0 += DEPTH) {
    const kc = Math.min(DEPTH, k - k0);
    pack(a, m, kc, transposeA, k0, packedA);
    pack(b, n, kc, !transposeB, k0, packedB);
    for (let j = 0; j < n; j += TILE) {
      const width = Math.min(TILE, n - j);
      for (let i = 0; i < m; i += TILE) {
        const height = Math.min(TILE, m - i);
        multiplyTile(packedA, i * kc, packedB, j * kc, kc, sum);
        for (let r = 0; r < height; r++) {
          const row = c.offset + (i + r) * c.stride + j;
          for (let q = 0; q < width; q++) c.data[row + q] += alpha * sum[r * TILE + q];
        }
      }
    }
  }
}
