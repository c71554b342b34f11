import { dims } from '@learngene/nn';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/**
 * A linear layer y = x Wᵀ + bias whose weight W = u diag(s) vᵀ [out, in] is kept as `rank` rank-1 components
 * s_i u_i v_iᵀ. The columns need not be orthonormal.
 */
export type FactoredParams = Readonly<{
  /** float32 [out, rank]. */
  u: Tensor2D;
  /** float32 [rank]. */
  s: Tensor1D;
  /** float32 [in, rank]. */
  v: Tensor2D;
  /** float32 [out]; absent for a layer without bias. */
  bias?: Tensor1D;
}>;

/** Sizes of a factored linear layer. */
export interface FactoredSize {
  /** Input features. */
  readonly in: number;
  /** Output features. */
  readonly out: number;
  /** Number of rank-1 components. */
  readonly rank: number;
}

/**
 * Sizes of a factored layer.
 *
 * @throws When the shapes of u, s, v and bias do not go together.
 */
export function factoredSize(f: FactoredParams): FactoredSize {
  const { out, rank } = dims('u', f.u, 'out rank');
  dims('s', f.s, `${rank}`);
  const v = dims('v', f.v, `in ${rank}`);
  if (f.bias) dims('bias', f.bias, `${out}`);
  return { in: v.in, out, rank };
}
