import { type Generator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount } from './check';

/**
 * Draws standard normal noise in `[N, C, H, W]` order, the layout of torch, and returns it as `[N, H, W, C]`. For the
 * same seed it is the noise of `torch.randn(N, C, H, W)`.
 * @param generator - advanced by N * C * H * W normals
 * @param shape - `[N, H, W, C]`
 * @returns float32 `[N, H, W, C]`; the caller owns it
 * @throws if a size is not a whole number of at least 0
 */
export function drawNoise(generator: Generator, shape: readonly [number, number, number, number]): tf.Tensor4D {
  shape.forEach((size, i) => {
    checkCount(`shape[${i}]`, size, 0);
  });
  const [count, height, width, channels] = shape;
  const pixels = height * width;
  const drawn = normal(generator, count * channels * pixels);
  const laidOut = new Float32Array(drawn.length);
  for (let n = 0, from = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) laidOut[(n * pixels + p) * channels + c] = drawn[from++];
    }
  }
  return tf.tensor4d(laidOut, [count, height, width, channels]);
}

/** Returns the generator, or throws an error that says what needs it. */
export function needGenerator(generator: Generator | undefined, reason: string): Generator {
  if (!generator) throw new Error(`generator: expected one for ${reason}, got none`);
  return generator;
}
