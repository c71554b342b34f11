import { canReadSync, customOp, readSync } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { cosSin } from './sin-cos';

/** Settings of {@link timestepEmbedding}. */
export interface TimestepEmbeddingOptions {
  /** Width of the embedding, even (256 in DiT). */
  readonly dims: number;
  /** The slowest frequency is 10000^(-(half - 1) / (half - shift)): 0 in facebookresearch/DiT, 1 in diffusers. */
  readonly shift: 0 | 1;
}

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
  if (shift !== 0 && shift !== 1) throw new Error(`shift: expected 0 or 1, got ${String(shift)}`);
  const half = dims / 2;
  const slope = Math.fround(-Math.log(10000));
  const exponent = (i: number) => Math.fround(Math.fround(slope * i) / (half - shift));
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp(exponent(i)));
  cache.set(key, frequencies);
  return frequencies;
}

/**
 * Sinusoidal embedding of (possibly fractional) timesteps: [cos(t f), sin(t f)] over the frequencies f (Ho et al. 2020
 * after Vaswani et al. 2017; cosines first as in guided-diffusion and DiT).
 *
 * Computed on the host, where sines of large angles are exact: GPUs promise none (WGSL), and lose 3e-5 to 4e-3.
 * Timesteps that only a device has (WebGPU, made by ops) are embedded there, by `cosSin`.
 *
 * @param t - timesteps [N], int32 or float32, usually 0..999.
 * @returns f32 [N, dims] in [-1, 1], owned by the caller; differentiable.
 * @throws when `dims` is odd or below 4
 */
export function timestepEmbedding(t: tf.Tensor1D, options: TimestepEmbeddingOptions): tf.Tensor2D {
  const half = options.dims / 2;
  const frequencies = timestepFrequencies(options);
  return customOp({
    inputs: { t },
    forward: (save) => {
      const y = canReadSync(t) ? embedOnHost(readSync(t), frequencies) : embedOnDevice(t, frequencies); // [N, dims]
      save([y]);
      return y;
    },
    // d/dt [cos, sin] = f [-sin, cos]
    backward: (dy, [y]) => ({
      t: () => {
        const [[cos, sin], [dCos, dSin]] = [y, dy].map((both) => tf.split(both, [half, half], 1)); // [N, dims / 2]
        return tf.sum(tf.mul(tf.sub(tf.mul(dSin, cos), tf.mul(dCos, sin)), tf.tensor1d(frequencies)), 1);
      },
    }),
  });
}

function embedOnHost(t: ArrayLike<number>, frequencies: Float32Array): tf.Tensor2D {
  const half = frequencies.length;
  const rows = new Float32Array(t.length * 2 * half);
  for (let n = 0; n < t.length; n++) {
    const at = n * 2 * half;
    if (n > 0 && t[n] === t[n - 1]) {
      rows.copyWithin(at, at - 2 * half, at);
      continue;
    }
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(Math.fround(t[n]) * frequencies[i]);
      rows[at + i] = Math.cos(angle);
      rows[at + half + i] = Math.sin(angle);
    }
  }
  return tf.tensor2d(rows, [t.length, 2 * half]);
}

function embedOnDevice(t: tf.Tensor1D, frequencies: Float32Array): tf.Tensor2D {
  const row = tf.tensor2d(frequencies, [1, frequencies.length]);
  const angles = tf.mul(tf.reshape(tf.cast(t, 'float32'), [-1, 1]), row); // [N, dims / 2]
  return tf.concat(cosSin(angles), 1) as tf.Tensor2D;
}
