import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames, imageShape } from './check';
import type { ClipOptions } from './clip';
import type { Denoiser } from './denoiser';
import { gather, networkTimesteps } from './gather';
import { binLogLikelihood, meanPerSample, normalKl } from './likelihood';
import { type LoopOptions, runSteps } from './loop';
import { drawNoise } from './noise';
import type { GaussianDiffusion } from './process';
import { diffuse, posteriorMean } from './q-sample';
import { reverseMomentsFromOutput } from './reverse-moments';

/** Settings of {@link bitsPerDimension}: `clip` defaults to true. */
export interface BitsPerDimensionOptions extends Pick<LoopOptions, 'onStep' | 'signal'>, ClipOptions {
  /** Data `[N, H, W, C]`, bytes scaled to [-1, 1]. */
  readonly x0: tf.Tensor4D;
  /** Source of the noise of every step. */
  readonly generator: Generator;
}

/** The variational bound, in bits per dimension, and errors of the network. Columns are steps, ascending. */
export interface BitsPerDimension {
  /** Sum of the prior and all terms, `[N]`: an upper bound of the code length. */
  readonly total: tf.Tensor1D;
  /** KL of q(x_T | x_0) from the standard normal, `[N]`. */
  readonly prior: tf.Tensor1D;
  /** Term of every step, `[N, T]`; column 0 is the negative log-likelihood of the bytes. */
  readonly vb: tf.Tensor2D;
  /** Mean squared error of the predicted x_0, `[N, T]`. */
  readonly x0Mse: tf.Tensor2D;
  /** Mean squared error of the noise that the predicted x_0 implies, `[N, T]`. */
  readonly mse: tf.Tensor2D;
}

/**
 * Computes the whole variational bound, with one evaluation of the network per step (Nichol & Dhariwal 2021, section
 * 2).
 * @param process - a Gaussian process
 * @param denoiser - the network
 * @param options - data, generator, clipping, call-back, signal
 * @returns the bound and its terms; the caller owns every tensor
 * @throws on malformed shapes, the signal's reason on abort, and whatever the denoiser throws
 */
export async function bitsPerDimension(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: BitsPerDimensionOptions,
): Promise<BitsPerDimension> {
  checkNames('bitsPerDimension', options, ['x0', 'generator', 'clip', 'thresholding', 'onStep', 'signal']);
  const { x0, generator, clip = true, thresholding, onStep, signal } = options;
  const shape = imageShape('x0', x0);
  const steps = process.timesteps;
  const columns: tf.Tensor1D[][] = [];
  const advance = (state: readonly tf.Tensor4D[], step: number) => {
    const t = new Int32Array(shape[0]).fill(steps - 1 - step);
    const row = termsOfStep(process, denoiser, { x0, t, noise: drawNoise(generator, shape), clip, thresholding });
    columns.push(row.map((term) => tf.keep(term)));
    return [...state];
  };
  const time = (step: number) => process.timestepMap[steps - 1 - step];
  try {
    const unused = await runSteps({ steps, time, advance }, { noise: x0, onStep, signal });
    unused.dispose();
    return tf.tidy(() => {
      const [vb, x0Mse, mse] = [0, 1, 2].map(
        // A concatenation and not a stack: WebGPU limits how many tensors an op takes, and the concatenation splits
        // itself.
        (k) => tf.concat<tf.Tensor2D>(columns.map((row) => tf.reshape<tf.Rank.R2>(row[k], [-1, 1])).reverse(), 1),
      );
      const prior = priorBits(process, x0);
      return { total: tf.add<tf.Tensor1D>(tf.sum(vb, 1), prior), prior, vb, x0Mse, mse };
    });
  } finally {
    for (const row of columns) tf.dispose(row);
  }
}

/**
 * KL(q(x_T | x_0) ‖ N(0, 1)) in bits per dimension, `[N]`: (ᾱ x_0² - ᾱ - log(1 - ᾱ)) / 2, with constants in float64.
 */
function priorBits(process: GaussianDiffusion, x0: tf.Tensor4D): tf.Tensor1D {
  const bar = process.alphasCumprod[process.timesteps - 1];
  const half = Math.LOG2E / 2;
  return tf.add(tf.mul<tf.Tensor1D>(meanPerSample(tf.square(x0)), half * bar), half * (-bar - Math.log1p(-bar)));
}

/** The bound's term in bits per dimension, and the mean squared errors of x_0 and of the noise, each `[N]`. */
function termsOfStep(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  { x0, t, noise, ...clipping }: ClipOptions & { x0: tf.Tensor4D; t: Int32Array; noise: tf.Tensor4D },
): tf.Tensor1D[] {
  const xt = diffuse(process, x0, t, noise);
  const output = denoiser(xt, networkTimesteps(process, t));
  const { mean, logVariance, x0: predictedX0 } = reverseMomentsFromOutput(process, output, { xt, t, ...clipping });
  const implied = tf.div(
    tf.sub(xt, tf.mul(predictedX0, gather(process.sqrtAlphasCumprod, t))),
    gather(process.sqrtOneMinusAlphasCumprod, t),
  );
  const x0Mse = meanPerSample(tf.square(tf.sub(predictedX0, x0)));
  const mse = meanPerSample(tf.square(tf.sub(implied, noise)));
  return [tf.mul(boundTerm(process, { x0, xt, t, mean, logVariance }), Math.LOG2E), x0Mse, mse];
}

function boundTerm(
  process: GaussianDiffusion,
  terms: { x0: tf.Tensor4D; xt: tf.Tensor4D; t: Int32Array; mean: tf.Tensor4D; logVariance: tf.Tensor4D },
): tf.Tensor1D {
  const { x0, xt, t, mean, logVariance } = terms;
  if (t[0] === 0) {
    return tf.neg(meanPerSample(binLogLikelihood(x0, tf.sub(x0, mean), tf.mul(logVariance, 0.5))));
  }
  const posterior = gather(process.posteriorLogVarianceClipped, t);
  return meanPerSample(normalKl(posteriorMean(process, x0, xt, t), posterior, mean, logVariance));
}
