import * as tf from '@tensorflow/tfjs-core';
import { interpolate } from './numeric';
import type { GaussianDiffusion } from './process';

/**
 * The position of a sample on the diffusion path: x = alpha x_0 + sigma ε, at the (possibly fractional) step `index` of
 * the process.
 */
export interface PathPoint {
  readonly alpha: number;
  readonly sigma: number;
  readonly index: number;
}

/** Throws at signal 0: the noise in pure noise says nothing about x_0. */
export function checkSignal(alpha: number): void {
  if (alpha === 0) {
    throw new Error("prediction: expected 'velocity', 'x0' or 'previous' where alpha-bar is 0, got 'epsilon'");
  }
}

/** a x + b y. */
export function combine(a: number, x: tf.Tensor4D, b: number, y: tf.Tensor4D): tf.Tensor4D {
  return tf.add(tf.mul<tf.Tensor4D>(x, a), tf.mul(y, b));
}

/** Computes x_0 from the network's output at `x`. */
export function x0FromOutput(
  process: GaussianDiffusion,
  output: tf.Tensor4D,
  x: tf.Tensor4D,
  { alpha, sigma, index }: PathPoint,
): tf.Tensor4D {
  switch (process.prediction) {
    case 'epsilon':
      checkSignal(alpha);
      return tf.div(tf.sub(x, tf.mul(output, sigma)), alpha);
    case 'x0':
      return output;
    case 'velocity':
      return combine(alpha, x, -sigma, output);
    case 'previous': {
      if (!Number.isInteger(index)) {
        throw new Error(`prediction: expected whole timesteps for 'previous' (spacing 'leading'), got ${index}`);
      }
      const coef1 = interpolate(process.posteriorMeanCoef1, index);
      return combine(1 / coef1, output, -interpolate(process.posteriorMeanCoef2, index) / coef1, x);
    }
    default:
      throw new Error(
        `prediction: expected epsilon, x0, previous or velocity, got ${String(process.prediction satisfies never)}`,
      );
  }
}

/** Computes ε from the network's output; `x0` is the result of {@link x0FromOutput}. */
export function noiseFromOutput(
  process: GaussianDiffusion,
  output: tf.Tensor4D,
  x: tf.Tensor4D,
  x0: tf.Tensor4D,
  point: PathPoint,
): tf.Tensor4D {
  if (process.prediction === 'epsilon') return output;
  if (process.prediction === 'velocity') return combine(point.sigma, x, point.alpha, output);
  return noiseFromX0(x, x0, point);
}

/** ε = (x - alpha x_0) / sigma. */
export function noiseFromX0(x: tf.Tensor4D, x0: tf.Tensor4D, { alpha, sigma }: PathPoint): tf.Tensor4D {
  return combine(1 / sigma, x, -alpha / sigma, x0);
}
