import { matmulNN, matmulNT, matmulTN } from '@learngene/nn';
import type { FactoredParams } from '@learngene/tensor-svd';
import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TailorFactors } from './gated-low-rank';

/** Rows [start, end) of a matrix of tokens. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The gated layer in plain tfjs ops, the specification of the fused kernel. R rows are tokens; `hidden` holds
 * V_Gᵀ x of all rows, then V_cᵀ x of every span.
 */
export function gatedForward(
  x: Tensor2D,
  { u, s, v, bias }: FactoredParams,
  { tailors, spans }: { tailors: readonly TailorFactors[]; spans: readonly Span[] },
): { y: Tensor2D; hidden: Tensor2D[] } {
  const h = matmulNN(x, v); // [R, N_G]
  const common = matmulNT(tf.mul(h, s), u); // [R, out]
  const base = bias ? tf.add(common, bias) : common;
  const own = tailors.map((tailor, i) => matmulNN(rows(x, spans[i]), tailor.v)); // [rows of the span, N_t]
  const parts = tailors.map((tailor, i) => matmulNT(tf.mul(own[i], tailor.s) as Tensor2D, tailor.u));
  return { y: addSpans(base as Tensor2D, parts, spans), hidden: [h, ...own] };
}

/** The gradient of {@link gatedForward} as one function an input; products that several of them share come first. */
export function gatedBackward(
  dy: Tensor,
  { x, u, s, v, ...others }: NamedTensorMap,
  { hidden: [h, ...own], spans }: { hidden: Tensor[]; spans: readonly Span[] },
): Record<string, () => Tensor> {
  const xs = tf.reshape(x, [-1, x.shape[x.rank - 1]]) as Tensor2D; // [R, in]
  const d = tf.reshape(dy, [-1, dy.shape[dy.rank - 1]]) as Tensor2D; // [R, out]
  const g = matmulNN(d, u as Tensor2D); // [R, N_G], gradient of the scaled hidden rows
  const tailor = (i: number) => [others[`u${i}`], others[`s${i}`], others[`v${i}`]] as [Tensor2D, Tensor1D, Tensor2D];
  const gs = spans.map((span, i) => matmulNN(rows(d, span), tailor(i)[0])); // [rows of the span, N_t]
  const grads: Record<string, () => Tensor> = {
    x: () => {
      const common = matmulNT(tf.mul(g, s) as Tensor2D, v as Tensor2D); // [R, in]
      const parts = spans.map((_, i) => matmulNT(tf.mul(gs[i], tailor(i)[1]) as Tensor2D, tailor(i)[2]));
      return tf.reshape(addSpans(common, parts, spans), x.shape);
    },
    u: () => outerSum(d, tf.mul(h, s)),
    s: () => sumRows(tf.mul(g, h)),
    v: () => outerSum(xs, tf.mul(g, s)),
    bias: () => sumRows(d),
  };
  for (const [i, span] of spans.entries()) {
    const [, scale] = tailor(i);
    grads[`u${i}`] = () => outerSum(rows(d, span), tf.mul(own[i], scale));
    grads[`s${i}`] = () => sumRows(tf.mul(gs[i], own[i]));
    grads[`v${i}`] = () => outerSum(rows(xs, span), tf.mul(gs[i], scale));
  }
  return grads;
}

function rows(x: Tensor2D, { start, end }: Span): Tensor2D {
  return start === 0 && end === x.shape[0] ? x : tf.slice(x, [start, 0], [end - start, x.shape[1]]);
}

/** x with parts[i] added to the rows of spans[i]; spans are disjoint and ascending. */
function addSpans(x: Tensor2D, parts: readonly Tensor2D[], spans: readonly Span[]): Tensor2D {
  if (parts.length === 0) return x;
  const [R, D] = x.shape;
  const pieces: Tensor2D[] = [];
  let at = 0;
  for (const [i, { start, end }] of spans.entries()) {
    if (start > at) pieces.push(tf.zeros([start - at, D]));
    pieces.push(parts[i]);
    at = end;
  }
  if (at < R) pieces.push(tf.zeros([R - at, D]));
  return tf.add(x, pieces.length === 1 ? pieces[0] : tf.concat(pieces, 0));
}

/** aᵀ b, [M, r], for a narrow b [R, r]: only the narrow factor and the result are transposed where that is slow. */
function outerSum(a: Tensor2D, b: Tensor): Tensor2D {
  return tf.transpose(matmulTN(b as Tensor2D, a));
}

/** Column sums of [R, D] as [D]; a product with ones is faster than a sum over the leading axis. */
function sumRows(x: Tensor): Tensor {
  const [R, D] = x.shape;
  return tf.reshape(matmulNN(tf.ones([1, R]) as Tensor2D, x as Tensor2D), [D]);
}
