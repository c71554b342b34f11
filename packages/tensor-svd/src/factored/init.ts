import { initLinear } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { randomOrthonormal } from '../random-orthonormal';
import { tensorFromMatrix } from '../tensor-matrix';
import { checkWidths } from './counts';
import { factorDense } from './factor-dense';
import { checkRank } from './host';
import type { FactoredParams, FactoredSize } from './params';

/**
 * How a factored layer is initialised. `'xavier-uniform'`: the leading components of the SVD of a dense weight that
 * `initLinear` draws; below full rank the composed weight lacks the energy of the components that were cut.
 * `'orthogonal'`: random orthonormal u and v and equal s, such that the composed weight has Xavier's Frobenius norm at
 * any rank; needs no SVD. `'zero-output'`: u = 0, s = 1, v random orthonormal; the layer adds nothing at first, and u
 * still has a gradient, as a fresh tailor needs.
 */
export type FactoredInit = 'xavier-uniform' | 'orthogonal' | 'zero-output';

/** Options of {@link initFactored}. */
export interface InitFactoredOptions extends FactoredSize {
  /** Default `'xavier-uniform'`. */
  readonly init?: FactoredInit;
  /** Whether there is a bias, all zeros (default true). */
  readonly bias?: boolean;
}

/**
 * Parameters of a factored linear layer.
 *
 * @param g - Generator. It moves on by the draws of the dense weight, or of u and then v, or of v only.
 * @returns Parameters that the caller owns.
 * @throws On a rank outside 1..min(in, out), for `'zero-output'` outside 1..in.
 */
export function initFactored(g: Generator, options: InitFactoredOptions): FactoredParams {
  const { in: inputs, out, rank, init = 'xavier-uniform', bias = true } = options;
  checkWidths(inputs, out);
  checkRank(rank, init === 'zero-output' ? inputs : Math.min(inputs, out));
  return tf.tidy(() => {
    const f = drawFactors(g, init, { in: inputs, out, rank });
    return bias ? { ...f, bias: tf.zeros<tf.Rank.R1>([out]) } : f;
  });
}

function drawFactors(g: Generator, init: FactoredInit, { in: inputs, out, rank }: FactoredSize): FactoredParams {
  switch (init) {
    case 'xavier-uniform':
      return factorDense(initLinear(g, { in: inputs, out, bias: false, init }), { rank });
    case 'orthogonal': {
      const s = Math.sqrt((2 * inputs * out) / ((inputs + out) * rank));
      const u = tensorFromMatrix(randomOrthonormal(g, out, rank));
      const v = tensorFromMatrix(randomOrthonormal(g, inputs, rank));
      return { u, s: tf.fill<tf.Rank.R1>([rank], s), v };
    }
    case 'zero-output': {
      const v = tensorFromMatrix(randomOrthonormal(g, inputs, rank));
      return { u: tf.zeros([out, rank]), s: tf.ones([rank]), v };
    }
    default:
      throw new Error(
        `init: expected 'xavier-uniform', 'orthogonal' or 'zero-output', got ${String(init satisfies never)}`,
      );
  }
}
