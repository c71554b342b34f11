import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser } from '../src/denoiser';
import type { GaussianDiffusion } from '../src/process';

/** The deterministic sample of diffusers' scheduler tests, NCHW (4, 3, 8, 8) there, NHWC here. */
export function referenceSample(reversed = false): tf.Tensor4D {
  const at = (n: number, h: number, w: number, c: number) => ((c * 8 + h) * 8 + w) * 4 + n;
  const data = new Float32Array(768);
  for (let n = 0, i = 0; n < 4; n++) {
    for (let h = 0; h < 8; h++) {
      for (let w = 0; w < 8; w++) {
        for (let c = 0; c < 3; c++) data[i++] = (reversed ? 767 - at(n, h, w, c) : at(n, h, w, c)) / 768;
      }
    }
  }
  return tf.tensor4d(data, [4, 8, 8, 3]);
}

/** Their elementwise model: x t / (t + 1). */
export const referenceModel: Denoiser = (x, t) => {
  const ratio = tf.div(t, tf.add(t, 1));
  return tf.mul(x, tf.reshape(ratio, [-1, 1, 1, 1]));
};

/** Values in NCHW order. */
export function toNchw(x: tf.Tensor4D): ArrayLike<number> {
  return tf.tidy(() => tf.transpose(x, [0, 3, 1, 2]).dataSync());
}

/** Sum and mean of the absolute values; disposes x. */
export function absoluteSum(x: tf.Tensor4D): { sum: number; mean: number } {
  const data = x.dataSync();
  x.dispose();
  let sum = 0;
  for (const value of data) sum += Math.abs(value);
  return { sum, mean: sum / data.length };
}

/** Data distribution of the analytic tests: independent pixels, normal with this mean and standard deviation. */
export const DATA = { mean: 0.3, std: 0.5 };

/** log(sigma / alpha) of a Gaussian process at a fractional step, linear in between. */
export function logLevelAt(process: GaussianDiffusion, t: number): number {
  const logLevel = (i: number) => 0.5 * Math.log((1 - process.alphasCumprod[i]) / process.alphasCumprod[i]);
  const low = Math.min(Math.floor(t), process.timesteps - 1);
  const high = Math.min(low + 1, process.timesteps - 1);
  return logLevel(low) + (t - low) * (logLevel(high) - logLevel(low));
}

/** The exact E[ε | x_t] for {@link DATA}: σ (x - α mean) / (α² std² + σ²). */
export function gaussianDenoiser(process: GaussianDiffusion): Denoiser {
  return (x, t) => {
    const level = Math.exp(logLevelAt(process, t.dataSync()[0]));
    const alpha = 1 / Math.sqrt(1 + level ** 2);
    const sigma = level * alpha;
    const factor = sigma / (alpha ** 2 * DATA.std ** 2 + sigma ** 2);
    return tf.mul(tf.sub(x, alpha * DATA.mean), factor);
  };
}

/** Signal and noise at sigma / alpha = level, which may be infinite. */
function pointAt(level: number): { alpha: number; sigma: number } {
  return { alpha: 1 / Math.sqrt(1 + level ** 2), sigma: 1 / Math.sqrt(1 + level ** -2) };
}

/** sigma / alpha of a process where the network is given t: between two steps linear, or linear in its logarithm. */
export function levelsOf(process: GaussianDiffusion, between: 'linear' | 'log'): (t: number) => number {
  const highest = between === 'log' ? Math.sqrt(2 ** 24 - 1) : Number.POSITIVE_INFINITY; // where curves of sigma start
  const limited = (level: number) => (level === Number.POSITIVE_INFINITY ? highest : level);
  const levels = process.alphasCumprod.map((bar) => limited(Math.sqrt((1 - bar) / bar)));
  return (t) => {
    const high = process.timestepMap.findIndex((step) => step >= t);
    if (process.timestepMap[high] === t) return levels[high];
    const done = (t - process.timestepMap[high - 1]) / (process.timestepMap[high] - process.timestepMap[high - 1]);
    if (between === 'linear') return levels[high - 1] + done * (levels[high] - levels[high - 1]);
    return levels[high - 1] * (levels[high] / levels[high - 1]) ** done;
  };
}

/** The exact network of a process for pixels that are normal with mean and std, whatever it predicts. */
export function exactDenoiser(
  process: GaussianDiffusion,
  data: { mean: number; std: number },
  between: 'linear' | 'log' = 'linear',
): Denoiser {
  const levelAt = levelsOf(process, between);
  return (x, time) => {
    const t = time.dataSync()[0];
    const { alpha, sigma } = pointAt(levelAt(t));
    const variance = (alpha * data.std) ** 2 + sigma ** 2;
    const centered = tf.sub<tf.Tensor4D>(x, alpha * data.mean);
    const noise = tf.mul<tf.Tensor4D>(centered, sigma / variance);
    const start = tf.add<tf.Tensor4D>(tf.mul(centered, (alpha * data.std ** 2) / variance), data.mean);
    switch (process.prediction) {
      case 'epsilon':
        return noise;
      case 'x0':
        return start;
      case 'velocity':
        return tf.sub(tf.mul<tf.Tensor4D>(noise, alpha), tf.mul(start, sigma));
      case 'previous': {
        const index = process.timestepMap.indexOf(t);
        const mean = tf.mul<tf.Tensor4D>(start, process.posteriorMeanCoef1[index]);
        return tf.add(mean, tf.mul(x, process.posteriorMeanCoef2[index]));
      }
    }
  };
}

/** Where the probability-flow ODE takes x at one level to another: the standardised value stays. */
export function gaussianSolution(x: number, fromLevel: number, toLevel: number, data = DATA): number {
  const moments = (level: number) => {
    const { alpha, sigma } = pointAt(level);
    return { mean: alpha * data.mean, std: Math.sqrt((alpha * data.std) ** 2 + sigma ** 2) };
  };
  const [from, to] = [moments(fromLevel), moments(toLevel)];
  return to.mean + (to.std * (x - from.mean)) / from.std;
}

/** Mean and standard deviation of all values. */
export function meanAndStd(x: tf.Tensor): { mean: number; std: number } {
  const data = x.dataSync<'float32'>();
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  return { mean, std: Math.sqrt(variance) };
}

/** One value of an image tensor. */
export function valueAt(x: tf.Tensor4D, [n, h, w, c]: readonly [number, number, number, number]): number {
  const [, height, width, channels] = x.shape;
  return x.dataSync()[((n * height + h) * width + w) * channels + c];
}
