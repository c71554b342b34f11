import { type Block, gemm } from './gemm';

/**
 * A product of Householder reflectors H_0 H_1 ... H_{count-1}, H_j = I - tau_j v_j v_jᵀ. Row j of `vectors` [count,
 * length] is v_j; it is zero outside [low(j), high(j)), and these ranges are nested: each contains the next.
 */
export interface Reflectors {
  readonly vectors: Float64Array;
  readonly taus: Float64Array;
  readonly count: number;
  readonly length: number;
  readonly support: (j: number) => readonly [low: number, high: number];
}

/** Reflectors applied together as I - V T Vᵀ (compact WY form, Schreiber and Van Loan 1989). */
export const BLOCK_SIZE = 32;

/** A power of two, so that dividing by it is exact. */
const TINIEST = 2 ** -900;

/**
 * Turns x = data[from, from + size) into the reflector v (v at `pivot` is 1) with H x = beta e_pivot, in place. `pivot`
 * counts from `from`. A vector that already is beta e_pivot gives tau = 0, so H = I.
 */
export function makeReflector(
  data: Float64Array,
  from: number,
  size: number,
  pivot: number,
): { tau: number; beta: number } {
  const at = from + pivot;
  const alpha = data[at];
  let largest = 0;
  for (let i = from; i < from + size; i++) if (i !== at) largest = Math.max(largest, Math.abs(data[i]));
  data[at] = 1;
  if (largest === 0) return { tau: 0, beta: alpha };
  const scale = Math.max(largest, Math.abs(alpha));
  if (scale < TINIEST) {
    // Numbers near the smallest exponent have few digits, which the quotients below would lose.
    data[at] = alpha;
    for (let i = from; i < from + size; i++) data[i] /= TINIEST;
    const { tau, beta } = makeReflector(data, from, size, pivot);
    return { tau, beta: beta * TINIEST };
  }
  let square = (alpha / scale) ** 2;
  for (let i = from; i < from + size; i++) if (i !== at) square += (data[i] / scale) ** 2;
  const beta = (alpha > 0 ? -scale : scale) * Math.sqrt(square);
  const divisor = alpha - beta;
  for (let i = from; i < from + size; i++) if (i !== at) data[i] /= divisor;
  return { tau: -divisor / beta, beta };
}

/** The upper triangular T [count, count] of I - V T Vᵀ for the reflectors j0 ... j0 + count - 1. */
export function wyTriangle(r: Reflectors, j0: number, count: number): Float64Array {
  const [low, high] = r.support(j0);
  const rows: Block = { data: r.vectors, offset: j0 * r.length + low, stride: r.length };
  const gram = new Float64Array(count * count);
  gemm(rows, rows, { data: gram, offset: 0, stride: count }, { m: count, n: count, k: high - low, transposeB: true });
  const t = new Float64Array(count * count);
  for (let j = 0; j < count; j++) {
    const tau = r.taus[j0 + j];
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let p = i; p < j; p++) sum += t[i * count + p] * gram[p * count + j];
      t[i * count + j] = -tau * sum;
    }
    t[j * count + j] = tau;
  }
  return t;
}

/** The first `cols` columns of the product of the reflectors: an orthonormal [length, cols] matrix, row-major. */
export function accumulateReflectors(r: Reflectors, cols: number): Float64Array {
  const q = new Float64Array(r.length * cols);
  for (let i = 0; i < cols; i++) q[i * cols + i] = 1;
  for (let j0 = Math.floor((r.count - 1) / BLOCK_SIZE) * BLOCK_SIZE; j0 >= 0; j0 -= BLOCK_SIZE) {
    const count = Math.min(BLOCK_SIZE, r.count - j0);
    const [low, high] = r.support(j0);
    // Outside its support the product so far is the identity, so only this square of q changes.
    const width = Math.min(high, cols) - low;
    if (width <= 0) continue;
    const k = high - low;
    const v: Block = { data: r.vectors, offset: j0 * r.length + low, stride: r.length };
    const square: Block = { data: q, offset: low * cols + low, stride: cols };
    const w = new Float64Array(count * width);
    const tw = new Float64Array(count * width);
    const wBlock: Block = { data: w, offset: 0, stride: width };
    const twBlock: Block = { data: tw, offset: 0, stride: width };
    gemm(v, square, wBlock, { m: count, n: width, k });
    const t: Block = { data: wyTriangle(r, j0, count), offset: 0, stride: count };
    gemm(t, wBlock, twBlock, { m: count, n: width, k: count });
    gemm(v, twBlock, square, { m: k, n: width, k: count, transposeA: true, alpha: -1 });
  }
  return q;
}
