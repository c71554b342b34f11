import * as tf from '@tensorflow/tfjs-core';
import { checkInterval, checkNames } from './check';

/** Dynamic thresholding of x_0 (Saharia et al. 2022, Imagen, section 2.3). */
export interface Thresholding {
  /** Quantile of |x_0| of each sample that becomes the threshold s, in (0, 1] (default 0.995). */
  readonly ratio?: number;
  /** Largest s (default 1); s is at least 1, unless this is less. */
  readonly max?: number;
}

/** How samplers keep the predicted x_0 in range. */
export interface ClipOptions {
  /** Clip x_0 to [-1, 1] (`true`), to [-c, c] (a number c) or not (`false`). The default is each sampler's. */
  readonly clip?: boolean | number;
  /** Clip x_0 to [-s, s] and divide by s, where s is a quantile of the sample itself. Replaces `clip`. */
  readonly thresholding?: Thresholding;
}

/** Names of {@link ClipOptions}. */
export const CLIP_OPTIONS = ['clip', 'thresholding'];

/** True where {@link clipX0} changes anything. */
export function clips({ clip, thresholding }: ClipOptions): boolean {
  return thresholding !== undefined || (clip !== undefined && clip !== false);
}

/** Clips x_0 as the options say. Reads nothing back from the device. */
export function clipX0(x0: tf.Tensor4D, { clip = false, thresholding }: ClipOptions): tf.Tensor4D {
  if (thresholding !== undefined) return threshold(x0, thresholding);
  if (clip === false) return x0;
  const range = clip === true ? 1 : clip;
  if (!(range > 0 && range < Number.POSITIVE_INFINITY)) {
    throw new Error(`clip: expected true, false or a positive range, got ${clip}`);
  }
  return tf.clipByValue(x0, -range, range);
}

function threshold(x0: tf.Tensor4D, thresholding: Thresholding): tf.Tensor4D {
  checkNames('thresholding', thresholding, ['ratio', 'max']);
  const { ratio = 0.995, max = 1 } = thresholding;
  checkInterval('thresholding.ratio', ratio, '(0, 1]');
  checkInterval('thresholding.max', max, '(0, Infinity)');
  const [count, height, width, channels] = x0.shape;
  const size = height * width * channels;
  const position = ratio * (size - 1); // of the quantile among the ascending values
  const low = Math.floor(position);
  const magnitudes = tf.reshape(tf.abs(x0), [count, size]);
  const top = tf.topk(magnitudes, size - low, true).values as tf.Tensor2D; // [N, size - low], descending
  const below = tf.slice(top, [0, size - low - 1], [count, 1]);
  const above = tf.slice(top, [0, Math.max(size - low - 2, 0)], [count, 1]);
  const quantile = tf.add(below, tf.mul(tf.sub(above, below), position - low));
  const s = tf.reshape(tf.minimum(tf.maximum(quantile, 1), max), [count, 1, 1, 1]);
  return tf.div(tf.maximum(tf.minimum(x0, s), tf.neg(s)), s);
}
