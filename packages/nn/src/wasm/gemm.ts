import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type Call, kernelsOf, runCalls, threadsOf } from './instance';
import { PARTS_A_THREAD, rangesOf, up } from './ranges';

/** c [batch, M, N] = a b for float32 [batch, M, K] and [batch, K, N], or with a factor stored transposed. */
export interface Product {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Byte offsets in the heap. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** a is stored as [batch, K, M], b as [batch, N, K]. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

type Sizes = Pick<Product, 'batch' | 'M' | 'N' | 'K'>;

/** Of the inner axis this much is packed at once; see wasm/gemm.as. */
const INNER = 256;

/** Numbers in front of the packed rows of a call. */
const EDGE = 32;

/** Multiplications from which on a product is worth a job of several threads: some microseconds of one. */
const WORTH_A_JOB = 2 ** 17;

/** Whether products can be computed on the heap of a backend. */
export function canMultiply(backend: BackendWasm): boolean {
  return kernelsOf(backend) !== null;
}

/** Numbers of float32 that {@link multiply} needs to work with. */
export function workOf(backend: BackendWasm, sizes: Sizes): number {
  const { M, N, K } = sizes;
  const { by, parts } = planOf(sizes, threadsOf(backend));
  const [rows, columns, inner] = [up(M, 4), up(N, 8), Math.min(K, INNER)];
  if (by === 'item') return parts * (EDGE + (rows + columns) * inner);
  return by === 'row' ? parts * EDGE + (rows + columns) * inner : parts * (EDGE + rows * inner) + columns * inner;
}

/**
 * Computes a product on the threads of the backend. A number of the result is computed by one thread, always in the same
 * order, so that it does not depend on their count.
 *
 * @param work - offset of as many numbers as {@link workOf} says.
 */
export function multiply(backend: BackendWasm, product: Product, work: number): void {
  const plan = planOf(product, threadsOf(backend));
  if (plan.by === 'item') multiplyItems(backend, product, { parts: plan.parts, work });
  else
    for (let item = 0; item < product.batch; item++) multiplyInParts(backend, itemOf(product, item), { ...plan, work });
}

interface Plan {
  /** What the parts of a job are: items of the batch, or rows or columns of the result. */
  readonly by: 'item' | 'row' | 'column';
  readonly parts: number;
}

function planOf({ batch, M, N, K }: Sizes, threads: number): Plan {
  if (threads === 1 || batch * M * N * K < WORTH_A_JOB) return { by: 'item', parts: 1 };
  if (batch >= threads) return { by: 'item', parts: Math.min(batch, 2 * threads) };
  const most = PARTS_A_THREAD * threads;
  // Few rows: every part packs them all.
  if (M < 8 * threads && N > M) return { by: 'column', parts: Math.min(up(N, 8) / 8, most) };
  return { by: 'row', parts: Math.min(up(M, 4) / 4, most) };
}

function multiplyItems(backend: BackendWasm, product: Product, { parts, work }: { parts: number; work: number }): void {
  const { batch, M, N, K, transposeA, transposeB } = product;
  const size = EDGE + (up(M, 4) + up(N, 8)) * Math.min(K, INNER);
  const calls = rangesOf(batch, parts).map(([from, to], part): Call => {
    const { a, b, c } = itemOf(product, from);
    return ['gemm', to - from, M, N, K, a, Number(transposeA), b, Number(transposeB), c, work + 4 * size * part];
  });
  runCalls(backend, calls);
}

/** One item: the columns are packed first, then all parts multiply by them, once for every 256 of the inner axis. */
function multiplyInParts(backend: BackendWasm, product: Product, { by, parts, work }: Plan & { work: number }): void {
  const { M, N, K, transposeA, transposeB } = product;
  const [aRow, aInner] = transposeA ? [4, 4 * M] : [4 * K, 4];
  const [bColumn, bInner] = transposeB ? [4 * K, 4] : [4, 4 * N];
  const pieces = rangesOf(by === 'row' ? up(M, 4) / 4 : up(N, 8) / 8, parts);
  const panels = rangesOf(up(N, 8) / 8, parts);
  for (let from = 0; from < K; from += INNER) {
    const k = Math.min(INNER, K - from);
    const [a, b] = [product.a + from * aInner, product.b + from * bInner];
    const packedRows = parts * EDGE + (by === 'row' ? up(M, 4) : parts * up(M, 4)) * k;
    const packed = work + 4 * packedRows;
    const packing = panels.map(([first, end]): Call => {
      const columns = Math.min(N, 8 * end) - 8 * first;
      return ['packColumns', columns, k, b + 8 * first * bColumn, bColumn, bInner, packed + 32 * first * k];
    });
    runCalls(backend, packing);
    const more = Number(from > 0);
    const calls = pieces.map(([first, end], part): Call => {
      if (by === 'row') {
        const rows = Math.min(M, 4 * end) - 4 * first;
        const own = work + 4 * (part * EDGE + 4 * first * k);
        const c = product.c + 16 * first * N;
        return ['multiplyRows', rows, N, k, a + 4 * first * aRow, aRow, aInner, packed, c, 4 * N, more, own];
      }
      const columns = Math.min(N, 8 * end) - 8 * first;
      const own = work + 4 * part * (EDGE + up(M, 4) * k);
      return [
        'multiplyRows',
        M,
        columns,
        k,
        a,
        aRow,
        aInner,
        packed + 32 * first * k,
        product.c + 32 * first,
        4 * N,
        more,
        own,
      ];
    });
    runCalls(backend, calls);
  }
}

function itemOf(product: Product, item: number): Product {
  const { M, N, K, a, b, c } = product;
  return { ...product, batch: 1, a: a + 4 * item * M * K, b: b + 4 * item * K * N, c: c + 4 * item * M * N };
}
