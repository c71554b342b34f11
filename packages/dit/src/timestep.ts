import * as tf from '@tensorflow/tfjs-core';

/** Settings of {@link timestepEmbedding}. */
export type TimestepEmbeddingOptions = {
  /** Width of the embedding, even (256 in DiT). */
  readonly dims: number;
  /** The slowest frequency is 10000^(-(half - 1) / (half - shift)): 0 in facebookresearch/DiT, 1 in diffusers. */
  readonly shift: 0 | 1;
};

const cache = new Map<string, Float32Array>();

/**
 * Frequencies exp(-ln 10000 · i / (half - shift)), rounded to float32 after every operation: published weights were
 * trained on float32 frequencies, and at t = 999 a last-bit difference in one is visible in its sine.
 */
export function timestepFrequencies({ dims, shift }: TimestepEmbeddingOptions): Float32Array {
  const key = `${dims},${shift}`;
  const cached = cache.get(key);
  if (cached) return cached;
  if (!Number.isSafeInteger(dims / 2) || dims < 4) throw new Error(`dims: expected an even number >= 4, got ${dims}`);
  const half = dims / 2;
  const slope = Math.fround(-Math.log(10000));
  const exponent = (i: number) => Math.fround(Math.fround(slope * i) / (half - shift));
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp(exponent(i)));
  cache.set(key, frequencies);
  return frequencies;
}

/**
 * Sinusoidal embedding of (possibly fractional) timesteps: [cos(t f), sin(t f)] over the frequencies f
 * (Ho et al. 2020 after Vaswani et al. 2017; cosines first as in guided-diffusion and DiT).
 *
 * @param t - timesteps [N], int32 or float32, usually 0..999.
 * @returns f32 [N, dims] in [-1, 1], owned by the caller. Throws when `dims` is odd or below 4.
 */
export function timestepEmbedding(t: tf.Tensor1D, options: TimestepEmbeddingOptions): tf.Tensor2D {
  return tf.tidy(() => {
    const frequencies = tf.tensor2d(timestepFrequencies(options), [1, options.dims / 2]);
    const angles = tf.mul(tf.reshape(tf.cast(t, 'float32'), [-1, 1]), frequencies); // [N, dims / 2]
    return tf.concat([tf.cos(angles), tf.sin(angles)], 1) as tf.Tensor2D; // [N, dims]
  });
}
