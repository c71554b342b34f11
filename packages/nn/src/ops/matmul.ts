import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { customOp, hasKernel, onWasm } from './custom-op';

/** Rows of a block that {@link transposed} turns at once: 64 bytes of a column. */
const BLOCK = 16;

/** Swaps the last two axes. A large matrix is transposed in blocks of rows, which is 3 to 5 times faster on wasm. */
function transposed(x: Tensor): Tensor {
  if (x.rank === 3) return tf.transpose(x, [0, 2, 1]);
  const [M, D] = x.shape;
  if (M % BLOCK !== 0 || x.size < 65536) return tf.transpose(x);
  const blocks = tf.transpose(tf.reshape(x, [M / BLOCK, BLOCK, D]), [0, 2, 1]); // [M / 16, D, 16]
  return tf.reshape(tf.transpose(blocks, [1, 0, 2]), [D, M]);
}

/**
 * True on the plain wasm backend, where a product with transposed factors is slower than a transpose and a plain
 * product.
 */
function transposesFirst(): boolean {
  return onWasm() && !hasKernel('LearngeneFastMatMul');
}

/**
 * The product a b with either factor transposed, off the tape. The plain wasm backend is 10 times faster if it
 * transposes first. Its product copies the second factor, so the smaller factor goes second.
 */
export function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  if (!transposesFirst()) return tf.matMul(a, b, transposeA, transposeB);
  const [[aColumns], [bColumns]] = [a.shape.slice(-1), b.shape.slice(-1)];
  if (transposeA && !transposeB && a.rank === 2 && bColumns > aColumns) {
    return transposed(tf.matMul(transposed(b), a));
  }
  return tf.matMul(transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
}

/** a bᵀ + bias for [M, K] and [N, K], off the tape: the forward pass of the linear ops. */
export function affine(a: Tensor, b: Tensor, bias?: Tensor): Tensor {
  if (!bias) return product(a, b, false, true);
  if (!onWasm()) return tf.fused.matMul({ a, b, transposeB: true, bias });
  if (transposesFirst()) return tf.fused.matMul({ a, b: transposed(b), bias });
  return tf.add(tf.matMul(a, b, false, true), bias);
}

function checkProduct(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): void {
  const innerA = a.shape[a.rank - (transposeA ? 2 : 1)];
  const innerB = b.shape[b.rank - (transposeB ? 1 : 2)];
  const ranks = a.rank === b.rank && (a.rank === 2 || a.rank === 3);
  if (!ranks || innerA !== innerB || (a.rank === 3 && a.shape[0] !== b.shape[0])) {
    const left = transposeA ? 'K, M' : 'M, K';
    const right = transposeB ? 'N, K' : 'K, N';
    throw new Error(
      `matmul: expected [${left}] and [${right}] (or both with one leading batch axis), ` +
        `got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
    );
  }
}

/**
 * a b.
 *
 * @param a float32 [M, K] or [B, M, K].
 * @param b float32 [K, N] or [B, K, N] (same rank).
 * @returns [M, N] or [B, M, N]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function matmulNN<T extends Tensor>(a: T, b: T): T {
  checkProduct(a, b, false, false);
  return customOp({
    inputs: { a, b },
    forward: (save) => {
      save([a, b]);
      return product(a, b, false, false);
    },
    backward: (dy, [a, b]) => ({
      a: () => product(dy, b, false, true),
      b: () => product(a, dy, true, false),
    }),
  }) as T;
}

/**
 * a bᵀ, the product of a linear layer with its [out, in] weight.
 *
 * @param a float32 [M, K] or [B, M, K].
 * @param b float32 [N, K] or [B, N, K] (same rank).
 * @returns [M, N] or [B, M, N]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function matmulNT<T extends Tensor>(a: T, b: T): T {
  checkProduct(a, b, false, true);
  return customOp({
    inputs: { a, b },
    forward: (save) => {
      save([a, b]);
      return product(a, b, false, true);
    },
    backward: (dy, [a, b]) => ({
      a: () => product(dy, b, false, false),
      b: () => product(dy, a, true, false),
    }),
  }) as T;
}

/**
 * aᵀ b.
 *
 * @param a float32 [K, M] or [B, K, M].
 * @param b float32 [K, N] or [B, K, N] (same rank).
 * @returns [M, N] or [B, M, N]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function matmulTN<T extends Tensor>(a: T, b: T): T {
  checkProduct(a, b, true, false);
  return customOp({
    inputs: { a, b },
    forward: (save) => {
      save([a, b]);
      return product(a, b, true, false);
    },
    backward: (dy, [a, b]) => ({
      a: () => product(b, dy, false, true),
      b: () => product(a, dy, false, false),
    }),
  }) as T;
}
