import type { LinearParams } from '@learngene/nn';
import { factorDense } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkFields, checkPositive } from '../core/checks';
import type { LayerMethod } from '../core/method';
import type { Leaves } from '../core/trees';
import { applySpectral, mergeSpectral } from './spectral';

/** Singular values move, singular vectors stay. */
export interface SvdiffConfig {
  /** Name of the method. */
  readonly method: 'svdiff';
  /** Factor of the shifts (default 1). */
  readonly scale: number;
}

/**
 * SVDiff: Han et al. 2023, "SVDiff: Compact Parameter Space for Diffusion Fine-Tuning", arXiv 2303.11305. Trained: the
 * spectral shifts delta [min(in, out)], zero at first; W' = U diag(relu(S + scale delta)) Vᵀ with the exact SVD of W.
 */
export const svdiff: LayerMethod<SvdiffConfig> = {
  kind: 'layer',
  paper: 'Han et al. 2023, SVDiff, arXiv 2303.11305',
  base: 'dense',
  complete: (input) => {
    checkFields('svdiff', input, ['method', 'scale']);
    const { scale = 1 } = input;
    checkPositive('scale', scale);
    return { method: 'svdiff', scale };
  },
  trained: ({ in: inputs, out }) => ({ delta: [Math.min(inputs, out)] }),
  frozen: ({ in: inputs, out }) => {
    const k = Math.min(inputs, out);
    return { u: [out, k], s: [k], v: [inputs, k] };
  },
  freeze: (layer) => factorDense(layer as LinearParams) as Leaves,
  fresh: ({ s }) => ({ delta: tf.zerosLike(s) }),
  apply: (x, frozen, segments, config) =>
    applySpectral(x, frozen, segments, (leaves) => spectrum(frozen, leaves, config)),
  merge: (frozen, trained, config) => mergeSpectral(frozen, spectrum(frozen, trained, config)),
  macs: ({ in: inputs, out }) => Math.min(inputs, out) * (inputs + out),
};

function spectrum({ s }: Leaves, trained: Leaves | undefined, { scale }: SvdiffConfig): tf.Tensor {
  return trained ? tf.relu(tf.add(s, tf.mul(scale, trained.delta))) : s;
}
