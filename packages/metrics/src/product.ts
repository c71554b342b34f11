import { linalgName, matmul, transpose } from '@learngene/tensor-svd';

/** Columns of `b` that stay in the cache while rows of `a` pass. */
const BLOCK = 64;

/** Multiplications from which on an engine's product pays for its copies. */
const LARGE = 2 ** 24;

/**
 * c += a bᵀ as {@link productNT}, by the engine of `@learngene/tensor-svd` where one is registered and the product is large. Its sums
 * have another order than those of `productNT`: equal rows need not give equal bits.
 */
export function largeProductNT(operands: ProductOperands, c: Float64Array): void {
  const { a, rows, b, cols, depth } = operands;
  if (linalgName() === 'js' || rows * cols * depth < LARGE) {
    productNT(operands, c);
    return;
  }
  const found = matmul({ rows, cols: depth, data: a }, transpose({ rows: cols, cols: depth, data: b })).data;
  for (let i = 0; i < c.length; i++) c[i] += found[i];
}

/** Row-major operands of {@link productNT}. */
export interface ProductOperands {
  /** [rows, depth]. */
  readonly a: Float64Array;
  /** Rows of `a`. */
  readonly rows: number;
  /** [cols, depth]. */
  readonly b: Float64Array;
  /** Rows of `b`. */
  readonly cols: number;
  /** Length of both operands' rows. */
  readonly depth: number;
  /** Only columns j >= i of row i are needed (`a` and `b` are the same matrix); the others are unspecified. */
  readonly upper?: boolean;
}

/**
 * c += a bᵀ, [rows, cols] in float64, 4 x 4 values at a time in registers. Every value is one sum in the order of
 * `depth`, so equal rows give equal bits at any position.
 */
export function productNT({ a, rows, b, cols, depth, upper = false }: ProductOperands, c: Float64Array): void {
  const fullRows = rows - (rows % 4);
  for (let start = 0; start < cols; start += BLOCK) {
    const end = Math.min(cols, start + BLOCK);
    const fullEnd = end - ((end - start) % 4);
    for (let i = 0; i < fullRows; i += 4) {
      if (upper && end <= i) break;
      const from = upper && i > start ? i - ((i - start) % 4) : start;
      for (let j = from; j < fullEnd; j += 4) tile(a, i * depth, b, j * depth, depth, c, i * cols + j, cols);
      for (let r = i; r < i + 4; r++) {
        for (let j = fullEnd; j < end; j++) c[r * cols + j] += dot(a, r * depth, b, j * depth, depth);
      }
    }
    for (let i = fullRows; i < rows; i++) {
      for (let j = start; j < end; j++) c[i * cols + j] += dot(a, i * depth, b, j * depth, depth);
    }
  }
}

/** Σ_k a[at + k] b[bt + k], summed in order. */
export function dot(a: Float64Array, at: number, b: Float64Array, bt: number, depth: number): number {
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += a[at + k] * b[bt + k];
  return sum;
}

/** c[ct ...] += a 4 x 4 tile of dot products. */
function tile(
  a: Float64Array,
  at: number,
  b: Float64Array,
  bt: number,
  depth: number,
  c: Float64Array,
  ct: number,
  cols: number,
): void {
  const [a1, a2, a3] = [at + depth, at + 2 * depth, at + 3 * depth];
  const [b1, b2, b3] = [bt + depth, bt + 2 * depth, bt + 3 * depth];
  let [s00, s01, s02, s03] = [0, 0, 0, 0];
  let [s10, s11, s12, s13] = [0, 0, 0, 0];
  let [s20, s21, s22, s23] = [0, 0, 0, 0];
  let [s30, s31, s32, s33] = [0, 0, 0, 0];
  for (let k = 0; k < depth; k++) {
    const x0 = a[at + k];
    const x1 = a[a1 + k];
    const x2 = a[a2 + k];
    const x3 = a[a3 + k];
    const y0 = b[bt + k];
    const y1 = b[b1 + k];
    const y2 = b[b2 + k];
    const y3 = b[b3 + k];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  const [c1, c2, c3] = [ct + cols, ct + 2 * cols, ct + 3 * cols];
  c[ct] += s00;
  c[ct + 1] += s01;
  c[ct + 2] += s02;
  c[ct + 3] += s03;
  c[c1] += s10;
  c[c1 + 1] += s11;
  c[c1 + 2] += s12;
  c[c1 + 3] += s13;
  c[c2] += s20;
  c[c2 + 1] += s21;
  c[c2 + 2] += s22;
  c[c2 + 3] += s23;
  c[c3] += s30;
  c[c3 + 1] += s31;
  c[c3 + 2] += s32;
  c[c3 + 3] += s33;
}
