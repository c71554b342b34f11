import { type Generator, normal, uniform } from '@learngene/random';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkNumber, checkOptions, checkWord } from '../core/check';
import { linear } from './linear';

/** Parameters of a dense linear layer. */
export type LinearParams = Readonly<{
  /** float32 [out, in]. */
  weight: Tensor2D;
  /** float32 [out]; absent for a layer without bias. */
  bias?: Tensor1D;
}>;

/**
 * How a linear layer starts. `'xavier-uniform'`: weight U(±sqrt(6 / (in + out))), bias 0 (Glorot & Bengio 2010).
 * `'torch'`: weight and bias U(±1 / sqrt(in)), drawn in this order, as `torch.nn.Linear`. `'zeros'`: both 0. `{ normal
 * }`: weight N(0, normal²), bias 0.
 */
export type LinearInit =
  | 'xavier-uniform'
  | 'torch'
  | 'zeros'
  | {
      /** Standard deviation of the weight. */
      readonly normal: number;
    };

/** Options of {@link initLinear}. */
export interface LinearOptions {
  /** Input features. */
  readonly in: number;
  /** Output features. */
  readonly out: number;
  /** Whether the layer has a bias (default true). */
  readonly bias?: boolean;
  /** Distribution of the weight (default `'torch'`). */
  readonly init?: LinearInit;
}

/**
 * Parameters of a dense linear layer.
 *
 * @param g Generator that is advanced; not used by `'zeros'`.
 * @returns Parameters that the caller owns.
 * @throws Error for an unknown option, a size that is not a whole number of at least 1, or a deviation that is negative or
 *   not finite.
 */
export function initLinear(g: Generator, options: LinearOptions): LinearParams {
  checkOptions(options, ['in', 'out', 'bias', 'init']);
  const { in: inputs, out, bias = true, init = 'torch' } = options;
  checkCount('in', inputs, 1);
  checkCount('out', out, 1);
  if (typeof init === 'object') {
    checkOptions(init, ['normal'], 'init');
    checkNumber('init.normal', init.normal, 0);
  } else checkWord('init', init, ['xavier-uniform', 'torch', 'zeros']);
  const range = init === 'torch' ? 1 / Math.sqrt(inputs) : Math.sqrt(6 / (inputs + out));
  const draw = (size: number): Float32Array => {
    if (init === 'zeros') return new Float32Array(size);
    if (typeof init === 'object') return normal(g, size, { std: init.normal });
    return uniform(g, size, { low: -range, high: range });
  };
  const weight = tf.tensor2d(draw(inputs * out), [out, inputs], 'float32');
  if (!bias) return { weight };
  return { weight, bias: tf.tensor1d(init === 'torch' ? draw(out) : new Float32Array(out), 'float32') };
}

/**
 * x weightᵀ + bias.
 *
 * @param x float32 [..., in].
 * @returns [..., out]; the caller owns it.
 */
export function applyLinear(params: LinearParams, x: Tensor): Tensor {
  return linear(x, params.weight, params.bias);
}
