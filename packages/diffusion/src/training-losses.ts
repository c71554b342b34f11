import * as tf from '@tensorflow/tfjs-core';
import { checkNames, checkShape, checkTimesteps, imageShape } from './check';
import type { Denoiser } from './denoiser';
import { gather, networkTimesteps } from './gather';
import { binLogLikelihood, klFromDifference, meanPerSample } from './likelihood';
import { checkSignal } from './parameterization';
import type { GaussianDiffusion } from './process';
import { diffuse, posteriorMean } from './q-sample';
import { splitOutput } from './split-output';
import { stopGradient } from './stop-gradient';
import { reverseLogVariance } from './variance';

/** One training batch. */
export interface TrainingBatch {
  /** Data `[N, H, W, C]`, float32, usually in [-1, 1]. */
  readonly x0: tf.Tensor4D;
  /** Step of each sample, `[N]`, in `[0, process.timesteps)`. */
  readonly t: Int32Array;
  /** Standard normal, the shape of `x0`. */
  readonly noise: tf.Tensor4D;
}

/** Losses of each sample. */
export interface TrainingLosses {
  /** What to minimise, `[N]`. */
  readonly loss: tf.Tensor1D;
  /** Mean squared error of the predicted quantity, `[N]`; only for the `mse` losses. */
  readonly mse?: tf.Tensor1D;
  /**
   * Variational bound of the step in bits per dimension, times its factor in the loss, `[N]`; only where it is part of
   * the loss.
   */
  readonly vb?: tf.Tensor1D;
}

/**
 * The training loss of every sample (Ho et al. 2020, eq. 14; hybrid loss of Nichol & Dhariwal 2021, eq. 16).
 * Differentiable in the parameters of the denoiser. For the `mse` losses, a learned variance is trained by the
 * variational bound with the mean held constant.
 * @param process - the process
 * @param denoiser - the network; called once
 * @param batch - data, steps and noise
 * @returns losses `[N]` float32; the caller owns every tensor
 * @throws if shapes differ, a step is out of range, or the output does not have C (fixed variance) or 2C (learned
 *   variance) channels
 */
export function trainingLosses(process: GaussianDiffusion, denoiser: Denoiser, batch: TrainingBatch): TrainingLosses {
  checkNames('trainingLosses', batch, ['x0', 't', 'noise']);
  const { x0, t, noise } = batch;
  const shape = imageShape('x0', x0);
  checkShape('noise', noise, shape);
  checkTimesteps(t, shape[0], process.timesteps);
  return tf.tidy(() => {
    const xt = diffuse(process, x0, t, noise);
    const { mean, variance } = splitOutput(denoiser(xt, networkTimesteps(process, t)), xt);
    const learned = process.variance === 'learned' || process.variance === 'learned-range';
    if (!learned && variance) {
      throw new Error(`denoiser: expected C channels for variance '${process.variance}', got 2C`);
    }
    const error = tf.sub(target(process, xt, batch), mean) as tf.Tensor4D; // [N, H, W, C]
    const bound = (e: tf.Tensor) => boundOfStep(process, e, { x0, t, variance });
    switch (process.loss) {
      case 'kl':
      case 'rescaled-kl': {
        const scale = process.loss === 'kl' ? 1 : process.timesteps;
        const vb = tf.mul<tf.Tensor1D>(bound(error), scale);
        return { loss: tf.clone(vb), vb };
      }
      case 'mse':
      case 'rescaled-mse': {
        const mse = meanPerSample(tf.square(error));
        if (!learned) return { loss: tf.clone(mse), mse };
        const scale = process.loss === 'mse' ? 1 : process.timesteps / 1000;
        const vb = tf.mul<tf.Tensor1D>(bound(stopGradient(error)), scale);
        return { loss: tf.add<tf.Tensor1D>(mse, vb), mse, vb };
      }
      default:
        throw new Error(`loss: expected a loss type, got ${String(process.loss satisfies never)}`);
    }
  });
}

function target(process: GaussianDiffusion, xt: tf.Tensor4D, { x0, t, noise }: TrainingBatch): tf.Tensor4D {
  switch (process.prediction) {
    case 'epsilon':
      return noise;
    case 'x0':
      return x0;
    case 'velocity':
      return tf.sub(
        tf.mul<tf.Tensor4D>(noise, gather(process.sqrtAlphasCumprod, t)),
        tf.mul(x0, gather(process.sqrtOneMinusAlphasCumprod, t)),
      );
    case 'previous':
      return posteriorMean(process, x0, xt, t);
    default:
      throw new Error(
        `prediction: expected epsilon, x0, previous or velocity, got ${String(process.prediction satisfies never)}`,
      );
  }
}

/**
 * Computes the variational bound's term of each sample in bits per dimension, from the error of the prediction. The
 * posterior's mean and the network's differ by that error times a constant of the step, because both depend on the same
 * x_t. At the first step the posterior's mean is x_0, and the term is the negative log-likelihood of the bytes.
 */
function boundOfStep(
  process: GaussianDiffusion,
  error: tf.Tensor,
  { x0, t, variance }: { x0: tf.Tensor4D; t: Int32Array; variance?: tf.Tensor4D },
): tf.Tensor1D {
  if (process.prediction === 'epsilon') for (const step of t) checkSignal(process.sqrtAlphasCumprod[step]);
  const difference = tf.mul(error, gather(meanSensitivity(process), t)); // means' difference, up to its sign
  const logVariance = reverseLogVariance(process, variance, t);
  const posterior = gather(process.posteriorLogVarianceClipped, t);
  const kl = meanPerSample(klFromDifference(tf.square(difference), posterior, logVariance));
  if (!t.includes(0)) return tf.mul(kl, Math.LOG2E);
  const sign = process.prediction === 'x0' || process.prediction === 'previous' ? 1 : -1;
  const centered = tf.mul(difference, sign);
  const nll = tf.neg(meanPerSample(binLogLikelihood(x0, centered, tf.mul(logVariance, 0.5))));
  const first = tf.tensor1d(Float32Array.from(t, (step) => (step === 0 ? 1 : 0)));
  return tf.mul(tf.add(kl, tf.mul(first, tf.sub(nll, kl))), Math.LOG2E);
}

/** |d mean of x_{t-1} / d output| at every step: how strongly the network's output moves the mean. */
function meanSensitivity(process: GaussianDiffusion): Float64Array {
  const { posteriorMeanCoef1: coef1 } = process;
  switch (process.prediction) {
    case 'epsilon':
      return coef1.map((c, i) => c * process.sqrtRecipm1AlphasCumprod[i]);
    case 'x0':
      return coef1;
    case 'velocity':
      return coef1.map((c, i) => c * process.sqrtOneMinusAlphasCumprod[i]);
    case 'previous':
      return coef1.map(() => 1);
    default:
      throw new Error(
        `prediction: expected epsilon, x0, previous or velocity, got ${String(process.prediction satisfies never)}`,
      );
  }
}
