import * as tf from '@tensorflow/tfjs-core';

/** Sizes of a DiT that a test can afford, for `ditConfig`: 4 tokens of width 16, MLP 32, two blocks, five classes. */
export const TINY_DIT = {
  inputSize: 8,
  patchSize: 4,
  inChannels: 1,
  hiddenSize: 16,
  depth: 2,
  heads: 2,
  mlpRatio: 2,
  classes: 5,
  learnSigma: false,
} as const;

/**
 * Inputs of a denoiser for the labels: x of the values that `draw` gives, a timestep of its own for each sample. The
 * caller owns x and t.
 */
export function denoiserInputs(
  labels: readonly number[],
  dit: { readonly inputSize: number; readonly inChannels: number },
  draw: (size: number) => Float32Array,
) {
  const shape: [number, number, number, number] = [labels.length, dit.inputSize, dit.inputSize, dit.inChannels];
  return {
    x: tf.tensor4d(draw(tf.util.sizeFromShape(shape)), shape),
    t: tf.tensor1d(Array.from(labels, (_, n) => 37 * n + 3)),
    labels: Int32Array.from(labels),
  };
}

/** Fixed weights that make a scalar of an output. */
export function weighted(y: tf.Tensor): tf.Scalar {
  const w = Float32Array.from({ length: y.size }, (_, i) => Math.sin(12.9898 * (i + 1)));
  return tf.sum(tf.mul(y, tf.tensor(w, y.shape))) as tf.Scalar;
}
