import * as tf from '@tensorflow/tfjs-core';

/** A network's output, split. */
export interface SplitOutput {
  /** The first C channels. */
  readonly mean: tf.Tensor4D;
  /** The second C channels, where there are 2C. */
  readonly variance?: tf.Tensor4D;
}

/** Splits a denoiser's output into its C mean channels and, where it has 2C, its C variance channels. */
export function splitOutput(output: tf.Tensor4D, x: tf.Tensor4D): SplitOutput {
  const [count, height, width, channels] = x.shape;
  const [n, h, w, c] = output.shape;
  const fits = output.rank === 4 && n === count && h === height && w === width;
  if (fits && c === channels) return { mean: output };
  if (fits && c === 2 * channels) {
    const [mean, variance] = tf.split<tf.Tensor4D>(output, 2, 3);
    return { mean, variance };
  }
  const expected = `[${count}, ${height}, ${width}, ${channels} or ${2 * channels}]`;
  throw new Error(`denoiser: expected an output of ${expected}, got [${output.shape.join(', ')}]`);
}
