import { type Generator, uniform } from '@learngene/random';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount } from '../core/check';
import { type Conv2dOptions, conv2d } from './conv2d';

/** Parameters of a convolution. */
export type ConvParams = Readonly<{
  /** float32 [rows, columns, in, out]. */
  weight: Tensor4D;
  /** float32 [out]; absent for a layer without bias. */
  bias?: Tensor1D;
}>;

/** Options of {@link initConv}. */
export interface ConvLayerOptions {
  /** Input channels. */
  readonly in: number;
  /** Output channels. */
  readonly out: number;
  /** Side of the square kernel (default 3). */
  readonly kernel?: number;
  /** Whether the layer has a bias (default true). */
  readonly bias?: boolean;
}

/**
 * Parameters of a convolution as `torch.nn.Conv2d` starts them: weight, then bias, from U(±1 / sqrt(in · kernel²)). The
 * same seed gives torch's numbers: they are drawn as [out, in, kernel, kernel] and transposed.
 *
 * @param g Generator that is advanced.
 * @returns Parameters that the caller owns.
 * @throws Error if a size is not a whole number of at least 1.
 */
export function initConv(g: Generator, options: ConvLayerOptions): ConvParams {
  const { in: inputs, out, kernel = 3, bias = true } = options;
  checkCount('in', inputs, 1);
  checkCount('out', out, 1);
  checkCount('kernel', kernel, 1);
  const range = 1 / Math.sqrt(inputs * kernel * kernel);
  const draw = (size: number): Float32Array => uniform(g, size, { low: -range, high: range });
  const values = draw(out * inputs * kernel * kernel);
  const weight = tf.tidy(() => tf.transpose(tf.tensor4d(values, [out, inputs, kernel, kernel]), [2, 3, 1, 0]));
  return bias ? { weight, bias: tf.tensor1d(draw(out)) } : { weight };
}

/**
 * `conv2d` of a layer's weight and bias.
 *
 * @param x float32 [N, H, W, in].
 * @returns [N, Ho, Wo, out]; the caller owns it.
 */
export function applyConv(params: ConvParams, x: Tensor4D, options: Omit<Conv2dOptions, 'bias'> = {}): Tensor4D {
  return conv2d(x, params.weight, { ...options, ...(params.bias && { bias: params.bias }) });
}
