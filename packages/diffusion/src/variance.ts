import * as tf from '@tensorflow/tfjs-core';
import { gather } from './gather';
import type { GaussianDiffusion } from './process';

/** The table of log-variances that a process with a fixed variance uses. */
function fixedLogVariance(process: GaussianDiffusion): Float64Array {
  if (process.variance === 'fixed-small') return process.posteriorLogVarianceClipped;
  const first = process.timesteps > 1 ? process.posteriorVariance[1] : process.betas[0];
  return process.betas.map((beta, i) => Math.log(i === 0 ? first : beta));
}

/**
 * The log-variance of the reverse step (Nichol & Dhariwal 2021, eq. 15 for `learned-range`): `[N, 1, 1, 1]` where it
 * is fixed, `[N, H, W, C]` where `variance`, the network's second half, decides.
 */
export function reverseLogVariance(
  process: GaussianDiffusion,
  variance: tf.Tensor4D | undefined,
  t: Int32Array,
): tf.Tensor4D {
  const learned = process.variance === 'learned' || process.variance === 'learned-range';
  if (!learned) return gather(fixedLogVariance(process), t);
  if (!variance) {
    throw new Error(`denoiser: expected 2C channels for variance '${process.variance}', got C`);
  }
  if (process.variance === 'learned') return variance;
  const { center, halfWidth } = learnedRange(process);
  return tf.add(tf.mul(variance, gather(halfWidth, t)), gather(center, t));
}

/** The line from log posterior variance (where the network's value is -1) to log β (where it is 1). */
function learnedRange(process: GaussianDiffusion): { center: Float64Array; halfWidth: Float64Array } {
  const low = process.posteriorLogVarianceClipped;
  const high = process.betas.map(Math.log);
  return {
    center: high.map((value, i) => (value + low[i]) / 2),
    halfWidth: high.map((value, i) => (value - low[i]) / 2),
  };
}
