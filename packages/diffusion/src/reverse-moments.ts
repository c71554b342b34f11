import * as tf from '@tensorflow/tfjs-core';
import { checkTimesteps, imageShape } from './check';
import { type ClipOptions, clipX0 } from './clip';
import type { Denoiser } from './denoiser';
import { gather, networkTimesteps } from './gather';
import { checkSignal } from './parameterization';
import type { GaussianDiffusion } from './process';
import { type GaussianMoments, posteriorMean } from './q-sample';
import { splitOutput } from './split-output';
import { reverseLogVariance } from './variance';

/** The Gaussian of one reverse step, from a network's output. */
export type ReverseMoments = GaussianMoments & {
  /** The x_0 that it predicts, `[N, H, W, C]`. */
  readonly x0: tf.Tensor4D;
};

/**
 * p(x_{t-1} | x_t), from one evaluation of the network (Ho et al. 2020, eq. 1; Nichol & Dhariwal 2021, eq. 15). Samples
 * may be at different steps.
 * @param process - the process
 * @param denoiser - the network
 * @param inputs - `xt`: diffused data `[N, H, W, C]`; `t`: step of each sample; how x_0 is clipped (default not)
 * @returns mean, log-variance (`[N, 1, 1, 1]` where fixed) and x_0; the caller owns all three
 * @throws if a step is out of range, or the output's shape does not fit the process
 */
export function reverseMoments(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  { xt, t, ...clipping }: { readonly xt: tf.Tensor4D; readonly t: Int32Array } & ClipOptions,
): ReverseMoments {
  checkTimesteps(t, imageShape('xt', xt)[0], process.timesteps);
  return tf.tidy(() => {
    const output = denoiser(xt, networkTimesteps(process, t));
    return reverseMomentsFromOutput(process, output, { xt, t, ...clipping });
  });
}

/** {@link reverseMoments} from the network's output; no checks, no tidy. */
export function reverseMomentsFromOutput(
  process: GaussianDiffusion,
  output: tf.Tensor4D,
  { xt, t, ...clipping }: { readonly xt: tf.Tensor4D; readonly t: Int32Array } & ClipOptions,
): ReverseMoments {
  const { mean: predicted, variance } = splitOutput(output, xt);
  const x0 = clipX0(x0OfBatch(process, predicted, xt, t), clipping);
  const mean = process.prediction === 'previous' ? tf.clone(predicted) : posteriorMean(process, x0, xt, t);
  return { x0: tf.clone(x0), mean, logVariance: tf.clone(reverseLogVariance(process, variance, t)) };
}

/** x_0 from `output`, a network's first C channels at x_t; no checks of shapes, no tidy. */
export function x0OfBatch(
  process: GaussianDiffusion,
  output: tf.Tensor4D,
  xt: tf.Tensor4D,
  t: Int32Array,
): tf.Tensor4D {
  const times = (table: Float64Array, x: tf.Tensor4D) => tf.mul<tf.Tensor4D>(x, gather(table, t));
  switch (process.prediction) {
    case 'epsilon':
      for (const step of t) checkSignal(process.sqrtAlphasCumprod[step]);
      return tf.sub(times(process.sqrtRecipAlphasCumprod, xt), times(process.sqrtRecipm1AlphasCumprod, output));
    case 'x0':
      return output;
    case 'velocity':
      return tf.sub(times(process.sqrtAlphasCumprod, xt), times(process.sqrtOneMinusAlphasCumprod, output));
    case 'previous':
      return tf.div(tf.sub(output, times(process.posteriorMeanCoef2, xt)), gather(process.posteriorMeanCoef1, t));
    default:
      throw new Error(
        `prediction: expected epsilon, x0, previous or velocity, got ${String(process.prediction satisfies never)}`,
      );
  }
}
