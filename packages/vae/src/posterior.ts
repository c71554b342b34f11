import { type Generator, normal } from '@learngene/random';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkGenerator, checkObject, checkTensor } from './core/arguments';

/** A diagonal Gaussian over latents; its mode is the mean. The caller owns the tensors. */
export interface Posterior {
  /** [N, h, w, Z]. */
  readonly mean: Tensor4D;
  /** Natural logarithm of the variance, [N, h, w, Z], in [-30, 20]; absent where the latents are the mean itself. */
  readonly logVariance?: Tensor4D;
}

/** Mean and log variance of moments [N, h, w, 2Z]; the log variance is limited as in diffusers. Call it inside a tidy. */
export function splitMoments(moments: Tensor4D): Tensor4D[] {
  const [mean, logVariance] = tf.split(moments, 2, 3);
  return [mean as Tensor4D, tf.clipByValue(logVariance, -30, 20) as Tensor4D];
}

/**
 * A draw from the posterior: mean + exp(logVariance / 2) · noise. The noise is drawn in torch's order, [N, Z, h, w], so that a
 * generator seeded as torch's gives the latents that diffusers draws. Where there is no variance, the mean and no draw.
 *
 * @param g - advanced where there is a variance.
 * @returns f32 [N, h, w, Z]; the caller owns it.
 */
export function samplePosterior(posterior: Posterior, g: Generator): Tensor4D {
  const { mean, logVariance } = checkedPosterior(posterior);
  if (!logVariance) return tf.clone(mean);
  checkGenerator(g);
  const [N, h, w, Z] = mean.shape;
  const values = normal(g, N * h * w * Z);
  return tf.tidy(() => {
    const noise = tf.transpose(tf.tensor4d(values, [N, Z, h, w]), [0, 2, 3, 1]); // [N, h, w, Z]
    return tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)) as Tensor4D;
  });
}

/**
 * The Kullback-Leibler divergence from the posterior to N(0, 1), summed over the latent of every image, in nats (Kingma &
 * Welling 2014, appendix B).
 *
 * @returns f32 [N]; the caller owns it. Differentiable.
 * @throws for a posterior without a variance
 */
export function posteriorKl(posterior: Posterior): tf.Tensor1D {
  const { mean, logVariance } = checkedPosterior(posterior);
  if (!logVariance) throw new Error('posterior: expected a log variance, got none (a deterministic autoencoder)');
  return tf.tidy(() => {
    const terms = tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), tf.add(logVariance, 1));
    return tf.mul(tf.sum(tf.reshape(terms, [mean.shape[0], -1]), 1), 0.5) as tf.Tensor1D;
  });
}

/** Throws unless a posterior has tensors. */
function checkedPosterior(posterior: Posterior): Posterior {
  checkObject('posterior', posterior);
  checkTensor('posterior.mean', posterior.mean);
  if (posterior.logVariance !== undefined) checkTensor('posterior.logVariance', posterior.logVariance);
  return posterior;
}
