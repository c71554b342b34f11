import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { GroupedLowRank, LowRankFactors } from './grouped-low-rank';
import { product } from './matmul';

/** Rows [start, end) of a matrix of tokens. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * `groupedLowRank` in plain tfjs ops, the specification of the fused kernels; off the tape.
 *
 * @param x [R, in], one row a token.
 * @returns y [R, out], and the hidden rows: Vᵀ x of all rows where there are common factors, then V_gᵀ x of every span.
 */
export function groupedForward(
  x: Tensor2D,
  { common, own, spans }: { common?: GroupedLowRank['common']; own: readonly LowRankFactors[]; spans: readonly Span[] },
): { y: Tensor2D; hidden: Tensor2D[] } {
  const ownHidden = own.map((factors, i) => matmul(rows(x, spans[i]), factors.v)); // [rows of the span, r_g]
  const parts = own.map(({ u, s }, i) => matmulT(tf.mul(ownHidden[i], s), u)); // [rows of the span, out]
  if (!common) return { y: spread(parts, spans, x.shape[0]), hidden: ownHidden };
  const h = matmul(x, common.v); // [R, r]
  const y = matmulT(tf.mul(h, common.s), common.u); // [R, out]
  const base = common.bias ? tf.add<Tensor2D>(y, common.bias) : y;
  return { y: addSpans(base, parts, spans), hidden: [h, ...ownHidden] };
}

/**
 * The gradient of {@link groupedForward} as one function an input; off the tape. Products that several of them share are
 * computed first.
 *
 * @param dy [N, T, out].
 * @param inputs x [N, T, in]; u, s and v where there are common factors; u0, s0, v0, u1, ... of the spans.
 */
export function groupedBackward(
  dy: Tensor,
  { x, u, s, v, ...others }: NamedTensorMap,
  { hidden, spans }: { hidden: readonly Tensor[]; spans: readonly Span[] },
): Record<string, () => Tensor> {
  const xs = tf.reshape(x, [-1, x.shape[x.rank - 1]]) as Tensor2D; // [R, in]
  const d = tf.reshape(dy, [-1, dy.shape[dy.rank - 1]]) as Tensor2D; // [R, out]
  const ownHidden = u ? hidden.slice(1) : hidden;
  const factors = spans.map(
    (_, i) => [others[`u${i}`], others[`s${i}`], others[`v${i}`]] as [Tensor2D, Tensor1D, Tensor2D],
  );
  const g = u && matmul(d, u); // [R, r], gradient of the scaled hidden rows
  const gs = spans.map((span, i) => matmul(rows(d, span), factors[i][0])); // [rows of the span, r_g]
  const grads: Record<string, () => Tensor> = {
    x: () => {
      const parts = spans.map((_, i) => matmulT(tf.mul(gs[i], factors[i][1]), factors[i][2]));
      const dx = u ? addSpans(matmulT(tf.mul(g, s), v), parts, spans) : spread(parts, spans, xs.shape[0]);
      return tf.reshape(dx, x.shape); // [N, T, in]
    },
    bias: () => sumRows(d),
  };
  if (u) {
    const [h] = hidden;
    grads.u = () => outerSum(d, tf.mul(h, s));
    grads.s = () => sumRows(tf.mul(g, h));
    grads.v = () => outerSum(xs, tf.mul(g, s));
  }
  for (const [i, span] of spans.entries()) {
    const [, scale] = factors[i];
    grads[`u${i}`] = () => outerSum(rows(d, span), tf.mul(ownHidden[i], scale));
    grads[`s${i}`] = () => sumRows(tf.mul(gs[i], ownHidden[i]));
    grads[`v${i}`] = () => outerSum(rows(xs, span), tf.mul(gs[i], scale));
  }
  return grads;
}

function matmul(a: Tensor, b: Tensor): Tensor2D {
  return product(a, b, false, false) as Tensor2D;
}

/** a bᵀ. */
function matmulT(a: Tensor, b: Tensor): Tensor2D {
  return product(a, b, false, true) as Tensor2D;
}

function rows(x: Tensor2D, { start, end }: Span): Tensor2D {
  return start === 0 && end === x.shape[0] ? x : tf.slice(x, [start, 0], [end - start, x.shape[1]]);
}

/** x with parts[i] added to the rows of spans[i]; spans are disjoint and ascending. */
function addSpans(x: Tensor2D, parts: readonly Tensor2D[], spans: readonly Span[]): Tensor2D {
  return parts.length === 0 ? x : tf.add(x, spread(parts, spans, x.shape[0]));
}

/** [R, D] with parts[i] in the rows of spans[i], zeros elsewhere; spans are disjoint and ascending. */
function spread(parts: readonly Tensor2D[], spans: readonly Span[], R: number): Tensor2D {
  const D = parts[0].shape[1];
  const strips: Tensor2D[] = [];
  let at = 0;
  for (const [i, { start, end }] of spans.entries()) {
    if (start > at) strips.push(tf.zeros([start - at, D]));
    strips.push(parts[i]);
    at = end;
  }
  if (at < R) strips.push(tf.zeros([R - at, D]));
  return strips.length === 1 ? strips[0] : tf.concat(strips, 0);
}

/** aᵀ b, [M, r], for a narrow b [R, r]: only the narrow factor and the result are transposed where that is slow. */
function outerSum(a: Tensor2D, b: Tensor): Tensor2D {
  return tf.transpose(product(b, a, true, false)) as Tensor2D;
}

/** Column sums of [R, D] as [D]; a product with ones is faster than a sum over the leading axis. */
function sumRows(x: Tensor): Tensor {
  const [R, D] = x.shape;
  return tf.reshape(product(tf.ones([1, R]), x, false, false), [D]);
}
