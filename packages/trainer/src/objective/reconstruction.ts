import { customOp } from '@learngene/nn';
import { type Posterior, posteriorKl } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';

/** Weights of the terms of {@link reconstructionLosses}; a term of weight 0 is not computed. */
export interface ReconstructionWeights {
  /** Mean absolute error of the pixels, in [0, 1]. */
  readonly l1: number;
  /** Mean squared error of the pixels. */
  readonly mse: number;
  /** Mean absolute error of the differences between neighbours, those to the right and those below: sharp edges. */
  readonly gradient: number;
  /** Mean square of the latents, which keeps them near 0; of an AutoencoderKL not wanted as a rule, see `kl`. */
  readonly latent: number;
  /** The Kullback-Leibler divergence to N(0, 1) in nats a number of the latent; only of an AutoencoderKL. */
  readonly kl: number;
}

/** What {@link reconstructionLosses} compares. */
export interface Reconstruction {
  /** [N, H, W, C] in [-1, 1]. */
  readonly images: tf.Tensor4D;
  /** The same shape. */
  readonly rebuilt: tf.Tensor4D;
  /** What the encoder gave. */
  readonly posterior: Posterior;
}

/**
 * The loss of every image, [N]: the weighted sum of its terms, with pixels in [0, 1]. Call it inside a tidy.
 */
export function reconstructionLosses(
  { images, rebuilt, posterior }: Reconstruction,
  weights: ReconstructionWeights,
): tf.Tensor1D {
  const error = tf.mul(tf.sub(rebuilt, images), 0.5) as tf.Tensor4D; // [N, H, W, C], pixels in [0, 1]
  const [N, H, W, C] = error.shape;
  const terms: tf.Tensor1D[] = [];
  const add = (weight: number, term: () => tf.Tensor) => {
    if (weight !== 0) terms.push(tf.mul(term(), weight) as tf.Tensor1D);
  };
  add(weights.l1, () => perImage(absolute(error)));
  add(weights.mse, () => perImage(tf.square(error)));
  add(weights.gradient, () => {
    const across = tf.sub(tf.slice(error, [0, 0, 1, 0]), tf.slice(error, [0, 0, 0, 0], [N, H, W - 1, C]));
    const down = tf.sub(tf.slice(error, [0, 1, 0, 0]), tf.slice(error, [0, 0, 0, 0], [N, H - 1, W, C]));
    return tf.add(perImage(absolute(across)), perImage(absolute(down)));
  });
  add(weights.latent, () => perImage(tf.square(posterior.mean)));
  add(weights.kl, () => tf.div(posteriorKl(posterior), posterior.mean.size / N));
  return terms.reduce((sum, term) => tf.add(sum, term) as tf.Tensor1D);
}

/** The mean squared error of every image, [N], of pixels in [0, 1]: what is outside of it is cut off. */
export function meanSquaredErrors(images: tf.Tensor4D, rebuilt: tf.Tensor4D): tf.Tensor1D {
  return tf.tidy(() => {
    const error = tf.mul(tf.sub(tf.clipByValue(rebuilt, -1, 1), images), 0.5);
    return perImage(tf.square(error));
  });
}

function perImage(x: tf.Tensor): tf.Tensor1D {
  return tf.mean(tf.reshape(x, [x.shape[0], -1]), 1) as tf.Tensor1D;
}

/** |x|, of which the gradient at 0 is 0 as in torch; that of `tf.abs` is -1 there. */
function absolute<T extends tf.Tensor>(x: T): T {
  return customOp({
    inputs: { x },
    forward: (save) => {
      save([x]);
      return tf.abs(x);
    },
    backward: (dy, [saved]) => ({ x: () => tf.mul(dy, tf.sign(saved)) }),
  }) as T;
}
