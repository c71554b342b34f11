import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkNumber, checkOptions, checkWord } from '../core/check';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel, stateInputs } from './custom-op';
import { silu } from './silu';
import { sumRows, sumTokens } from './sums';

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Number of groups of consecutive channels; divides C. */
  readonly groups: number;
  /** float32 [C], multiplies the normalised values. */
  readonly weight: Tensor1D;
  /** float32 [C], added last. */
  readonly bias: Tensor1D;
  /** Added to the variance (default 1e-5, as torch). */
  readonly eps?: number;
  /** What is applied to the result (default 'linear', nothing). */
  readonly activation?: 'linear' | 'relu' | 'silu';
}

/**
 * Group normalisation (Wu & He 2018; torch `F.group_norm` on channels-last tensors): mean and population variance of
 * every group of channels over all positions of a sample.
 *
 * @param x float32 [N, H, W, C].
 * @returns Same shape; the caller owns it.
 * @throws Error if the shapes do not go together or `groups` does not divide C.
 */
export function groupNorm(x: Tensor4D, options: GroupNormOptions): Tensor4D {
  checkOptions(options, ['groups', 'weight', 'bias', 'eps', 'activation']);
  const { groups, weight, bias, eps = 1e-5, activation = 'linear' } = options;
  const { C } = dims('x', x, 'N H W C');
  checkCount('groups', groups, 1);
  if (C % groups !== 0) throw new Error(`groups: expected a divisor of ${C}, got ${groups}`);
  dims('weight', weight, `${C}`);
  dims('bias', bias, `${C}`);
  checkNumber('eps', eps, 0);
  checkWord('activation', activation, ['linear', 'relu', 'silu']);
  if (hasKernel('LearngeneGroupNorm')) return fused({ x, weight, bias }, { groups, eps, activation });
  return tf.tidy(() => {
    const y = normalised(x, { groups, weight, bias, eps });
    if (activation === 'linear') return y;
    return activation === 'silu' ? silu(y) : tf.relu(y);
  });
}

/** The normalisation and what follows it as one kernel of the backend, and one for the gradient. */
function fused(
  inputs: { x: Tensor4D; weight: Tensor1D; bias: Tensor1D },
  attrs: { groups: number; eps: number; activation: string },
): Tensor4D {
  return customOp({
    inputs,
    forward: (save) => {
      const [y, ...state] = runKernel('LearngeneGroupNorm', inputs, attrs);
      save([inputs.x, inputs.weight, inputs.bias, ...state]);
      return y as Tensor4D;
    },
    backward: (dy, [x, weight, bias, ...state]): Record<'x' | 'weight' | 'bias', () => Tensor> => {
      const all = { dy, x, weight, bias, ...stateInputs(state) };
      const [dx, dweight, dbias] = runKernel('LearngeneGroupNormGrad', all, attrs);
      return { x: () => dx, weight: () => dweight, bias: () => dbias };
    },
  });
}

function normalised(
  x: Tensor4D,
  { groups, weight, bias, eps }: { groups: number; weight: Tensor1D; bias: Tensor1D; eps: number },
): Tensor4D {
  const [N, H, W, C] = x.shape;
  const means = (t: Tensor): Tensor => groupMeans(tf.reshape(t, [N, H * W, C]), groups);
  return customOp({
    inputs: { x, weight, bias },
    forward: (save) => {
      const centered = tf.sub(x, means(x));
      const rstd = tf.div(1, tf.sqrt(tf.add(means(tf.square(centered)), eps))); // [N, 1, 1, C]
      const xhat = tf.mul(centered, rstd);
      save([xhat, rstd, weight]);
      return tf.add(tf.mul(xhat, weight), bias) as Tensor4D;
    },
    backward: (dy, [xhat, rstd, factor]): Record<'x' | 'weight' | 'bias', () => Tensor> => ({
      x: () => {
        const g = tf.mul(dy, factor); // rstd (g - mean(g) - xhat mean(g xhat))
        return tf.mul(rstd, tf.sub(tf.sub(g, means(g)), tf.mul(xhat, means(tf.mul(g, xhat)))));
      },
      weight: () => sumRows(tf.reshape(tf.mul(dy, xhat), [-1, C])),
      bias: () => sumRows(tf.reshape(dy, [-1, C])),
    }),
  }) as Tensor4D;
}

/** Means of [N, T, C] over T and the channels of a group, for each channel: [N, 1, 1, C]. */
function groupMeans(x: Tensor, groups: number): Tensor {
  const [N, T, C] = x.shape;
  const size = C / groups;
  const sums = tf.reshape(tf.div(sumTokens(x), T), [N, groups, size]);
  const mean = tf.mean(sums, 2, true); // [N, groups, 1]
  return tf.reshape(tf.tile(mean, [1, 1, size]), [N, 1, 1, C]);
}
