import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkNumber } from '../core/check';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel, stateInputs } from './custom-op';
import { meanLast, sumRows, sumTokens } from './sums';

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance (default 1e-5, as torch; DiT uses 1e-6). */
  readonly eps?: number;
  /** float32 [D], multiplies the normalised values; none by default. */
  readonly weight?: Tensor1D;
  /** float32 [D], added last; none by default. */
  readonly bias?: Tensor1D;
}

/** (x - mean) and 1 / sqrt(var + eps) over the last axis, the population variance. */
function normalize(x: Tensor, eps: number): { xhat: Tensor; rstd: Tensor } {
  const centered = tf.sub(x, meanLast(x));
  // Not tf.rsqrt: libtensorflow approximates it in vectors and not in the rest, so a value depends on its place.
  const rstd = tf.div(1, tf.sqrt(tf.add(meanLast(tf.square(centered)), eps)));
  return { xhat: tf.mul(centered, rstd), rstd };
}

/** Gradient of the normalisation: rstd (g - mean(g) - xhat mean(g xhat)). */
function normalizeGradient(g: Tensor, xhat: Tensor, rstd: Tensor): Tensor {
  const slope = meanLast(tf.mul(g, xhat));
  return tf.mul(rstd, tf.sub(tf.sub(g, meanLast(g)), tf.mul(xhat, slope)));
}

/**
 * Layer normalisation over the last axis (Ba et al. 2016; torch `F.layer_norm`).
 *
 * @param x float32 [..., D].
 * @returns Same shape; the caller owns it.
 * @throws Error if weight or bias is not [D].
 */
export function layerNorm<T extends Tensor>(x: T, { eps = 1e-5, weight, bias }: LayerNormOptions = {}): T {
  checkNumber('eps', eps, 0);
  const D = x.shape[x.rank - 1];
  dims('x', x, '... D');
  if (weight) dims('weight', weight, `${D}`);
  if (bias) dims('bias', bias, `${D}`);
  const inputs: NamedTensorMap = { x, ...(weight && { weight }), ...(bias && { bias }) };
  return customOp({
    inputs,
    forward: (save) => {
      if (hasKernel('LearngeneLayerNorm')) {
        const [y, ...state] = runKernel('LearngeneLayerNorm', inputs, { eps });
        save([x, ...(weight ? [weight] : []), ...state]);
        return y;
      }
      const { xhat, rstd } = normalize(x, eps);
      save(weight ? [xhat, rstd, weight] : [xhat, rstd]);
      const scaled = weight ? tf.mul(xhat, weight) : xhat;
      return bias ? tf.add(scaled, bias) : scaled;
    },
    backward: (dy, saved): Record<string, () => Tensor> => {
      if (hasKernel('LearngeneLayerNormGrad')) {
        const [x, ...more] = saved;
        const state = weight ? { weight: more[0], ...stateInputs(more.slice(1)) } : stateInputs(more);
        const [dx, dweight, dbias] = runKernel('LearngeneLayerNormGrad', { dy, x, ...state }, { eps });
        return { x: () => dx, weight: () => dweight, bias: () => dbias };
      }
      const [xhat, rstd, factor] = saved;
      const rows = (t: Tensor): Tensor => tf.reshape(t, [-1, D]);
      return {
        x: () => normalizeGradient(factor ? tf.mul(dy, factor) : dy, xhat, rstd),
        weight: () => sumRows(rows(tf.mul(dy, xhat))),
        bias: () => sumRows(rows(dy)),
      };
    },
  }) as T;
}

/**
 * Layer normalisation without affine, then per-sample modulation: norm(x) (1 + scale) + shift, the adaLN of DiT
 * (Peebles & Xie 2023, section 3.2).
 *
 * @param x float32 [N, T, D].
 * @param shift float32 [N, D].
 * @param scale float32 [N, D].
 * @returns [N, T, D]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function layerNormModulate(
  x: Tensor3D,
  shift: Tensor2D,
  scale: Tensor2D,
  { eps = 1e-6 }: { eps?: number } = {},
): Tensor3D {
  checkNumber('eps', eps, 0);
  const { N, D } = dims('x', x, 'N T D');
  dims('shift', shift, `${N} ${D}`);
  dims('scale', scale, `${N} ${D}`);
  return customOp({
    inputs: { x, shift, scale },
    forward: (save) => {
      if (hasKernel('LearngeneLayerNormModulate')) {
        const [y, ...state] = runKernel('LearngeneLayerNormModulate', { x, shift, scale }, { eps });
        save([x, scale, ...state]);
        return y;
      }
      const { xhat, rstd } = normalize(x, eps);
      save([xhat, rstd, scale]);
      const factor = tf.reshape(tf.add(scale, 1), [N, 1, D]);
      return tf.add(tf.mul(xhat, factor), tf.reshape(shift, [N, 1, D]));
    },
    backward: (dy, saved) => {
      if (hasKernel('LearngeneLayerNormModulateGrad')) {
        const [x, scale, ...state] = saved;
        const inputs = { dy, x, scale, ...stateInputs(state) };
        const [dx, dshift, dscale] = runKernel('LearngeneLayerNormModulateGrad', inputs, { eps });
        return { x: () => dx, shift: () => dshift, scale: () => dscale };
      }
      const [xhat, rstd, scale] = saved;
      return {
        x: () => normalizeGradient(tf.mul(dy, tf.reshape(tf.add(scale, 1), [N, 1, D])), xhat, rstd),
        shift: () => sumTokens(dy),
        scale: () => sumTokens(tf.mul(dy, xhat)),
      };
    },
  }) as Tensor3D;
}
