import * as tf from '@tensorflow/tfjs-core';

/**
 * KL(N(mean1, exp(logVariance1)) ‖ N(mean2, exp(logVariance2))) in nats, element by element.
 * @param mean1 - mean of the first Gaussian; all four broadcast against each other
 * @param logVariance1 - its log-variance
 * @param mean2 - mean of the second Gaussian
 * @param logVariance2 - its log-variance
 * @returns the broadcast shape, >= 0; the caller owns it
 */
export function normalKl(
  mean1: tf.Tensor,
  logVariance1: tf.Tensor,
  mean2: tf.Tensor,
  logVariance2: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => klFromDifference(tf.square(tf.sub(mean1, mean2)), logVariance1, logVariance2));
}

/** {@link normalKl} from the squared difference of the means. */
export function klFromDifference(squared: tf.Tensor, logVariance1: tf.Tensor, logVariance2: tf.Tensor): tf.Tensor {
  const ratio = tf.sub(logVariance1, logVariance2);
  const terms = tf.sub(tf.add(tf.exp(ratio), tf.mul(squared, tf.exp(tf.neg(logVariance2)))), ratio);
  return tf.mul(tf.sub(terms, 1), 0.5);
}

/**
 * log P(x) of 8-bit data under a Gaussian that is integrated over a bin of width 2/255 around x. The outermost bins
 * reach to infinity (Ho et al. 2020, eq. 13). The normal CDF is computed by its tanh approximation.
 * @param x - data scaled from bytes to [-1, 1], any shape
 * @param mean - mean of the Gaussian, broadcast against `x`
 * @param logScale - log of its standard deviation, broadcast against `x`
 * @returns log-probabilities in nats, at least log(1e-12); the caller owns them
 */
export function discretizedGaussianLogLikelihood(x: tf.Tensor, mean: tf.Tensor, logScale: tf.Tensor): tf.Tensor {
  return tf.tidy(() => binLogLikelihood(x, tf.sub(x, mean), logScale));
}

/** {@link discretizedGaussianLogLikelihood} from x and x - mean. */
export function binLogLikelihood(x: tf.Tensor, centered: tf.Tensor, logScale: tf.Tensor): tf.Tensor {
  const inverse = tf.exp(tf.neg(logScale));
  const above = normalCdf(tf.mul(inverse, tf.add(centered, 1 / 255)));
  const below = normalCdf(tf.mul(inverse, tf.sub(centered, 1 / 255)));
  const upper = tf.where(tf.greater(x, 0.999), tf.onesLike(above), above);
  const lower = tf.where(tf.less(x, -0.999), tf.zerosLike(below), below);
  return tf.log(tf.maximum(tf.sub(upper, lower), 1e-12));
}

/** Φ(x) ~ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, written as a sigmoid. */
function normalCdf(x: tf.Tensor): tf.Tensor {
  const cubic = tf.add(tf.mul(tf.mul(tf.square(x), 0.044715), x), x);
  return tf.sigmoid(tf.mul(cubic, 2 * Math.sqrt(2 / Math.PI)));
}

/** Mean over all axes but the first: `[N, ...] -> [N]`. */
export function meanPerSample(x: tf.Tensor): tf.Tensor1D {
  const [count, ...rest] = x.shape;
  return tf.mean(tf.reshape(x, [count, tf.util.sizeFromShape(rest)]), 1);
}
