import * as tf from '@tensorflow/tfjs-core';
import { checkShape, checkTimesteps, imageShape } from './check';
import { gather } from './gather';
import type { GaussianDiffusion } from './process';

/**
 * Diffuses data: x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε (Ho et al. 2020, eq. 4).
 * @param process - the process
 * @param x0 - data `[N, H, W, C]`, float32, usually in [-1, 1]
 * @param t - step of each sample, `[N]`, in `[0, process.timesteps)`
 * @param noise - standard normal, the shape of `x0`
 * @returns x_t `[N, H, W, C]`; the caller owns it
 * @throws if shapes differ or a step is out of range
 */
export function qSample(process: GaussianDiffusion, x0: tf.Tensor4D, t: Int32Array, noise: tf.Tensor4D): tf.Tensor4D {
  const [count] = imageShape('x0', x0);
  checkShape('noise', noise, x0.shape);
  checkTimesteps(t, count, process.timesteps);
  return tf.tidy(() => diffuse(process, x0, t, noise));
}

/** {@link qSample} without checks and tidy. */
export function diffuse(process: GaussianDiffusion, x0: tf.Tensor4D, t: Int32Array, noise: tf.Tensor4D): tf.Tensor4D {
  const signal = tf.mul<tf.Tensor4D>(x0, gather(process.sqrtAlphasCumprod, t));
  return tf.add(signal, tf.mul(noise, gather(process.sqrtOneMinusAlphasCumprod, t)));
}

/** Mean and log-variance of a Gaussian over images. */
export type GaussianMoments = Readonly<{
  /** Mean `[N, H, W, C]`. */
  mean: tf.Tensor4D;
  /** Logarithm of the variance, `[N, 1, 1, 1]` or `[N, H, W, C]`. */
  logVariance: tf.Tensor4D;
}>;

/**
 * q(x_{t-1} | x_t, x_0) (Ho et al. 2020, eq. 6 and 7).
 * @param process - the process
 * @param x0 - data `[N, H, W, C]`
 * @param xt - diffused data `[N, H, W, C]`
 * @param t - step of each sample, `[N]`
 * @returns mean `[N, H, W, C]` and log-variance `[N, 1, 1, 1]` (clipped at the first step); the caller owns both
 * @throws if shapes differ or a step is out of range
 */
export function qPosterior(
  process: GaussianDiffusion,
  x0: tf.Tensor4D,
  xt: tf.Tensor4D,
  t: Int32Array,
): GaussianMoments {
  const [count] = imageShape('x0', x0);
  checkShape('xt', xt, x0.shape);
  checkTimesteps(t, count, process.timesteps);
  return tf.tidy(() => ({
    mean: posteriorMean(process, x0, xt, t),
    logVariance: gather(process.posteriorLogVarianceClipped, t),
  }));
}

/** Mean of {@link qPosterior} without checks and tidy. */
export function posteriorMean(
  process: GaussianDiffusion,
  x0: tf.Tensor4D,
  xt: tf.Tensor4D,
  t: Int32Array,
): tf.Tensor4D {
  const data = tf.mul<tf.Tensor4D>(x0, gather(process.posteriorMeanCoef1, t));
  return tf.add(data, tf.mul(xt, gather(process.posteriorMeanCoef2, t)));
}
