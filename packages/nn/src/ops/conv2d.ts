import type { NamedAttrMap, NamedTensorMap, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkOptions, checkWord } from '../core/check';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel } from './custom-op';
import { columnSums } from './linear';

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** float32 [out], added to every position; none by default. */
  readonly bias?: Tensor1D;
  /** Step between positions on both axes (default 1). */
  readonly stride?: number;
  /**
   * Zeros around the image on both axes: one number for every side, or [before, after] (default (kernel - 1) / 2, each axis
   * by its own side of the kernel).
   */
  readonly pad?: number | readonly [number, number];
  /** float32 of the result's shape, added before the activation: the other branch of a residual block; none by default. */
  readonly residual?: Tensor4D;
  /** What is applied last (default 'linear', nothing). */
  readonly activation?: 'linear' | 'relu';
}

/**
 * Two-dimensional cross-correlation of images (torch `F.conv2d` on channels-last tensors).
 *
 * @param x float32 [N, H, W, in].
 * @param weight float32 [rows, columns, in, out]: torch's [out, in, rows, columns] transposed.
 * @returns [N, Ho, Wo, out] with Ho = floor((H + before + after - rows) / stride) + 1, Wo alike; the caller owns it.
 * @throws Error if the shapes do not go together or an option is out of range.
 */
export function conv2d(x: Tensor4D, weight: Tensor4D, options: Conv2dOptions = {}): Tensor4D {
  checkOptions(options, ['bias', 'stride', 'pad', 'residual', 'activation']);
  const { N, H, W, C } = dims('x', x, 'N H W C');
  const { KH, KW, O } = dims('weight', weight, `KH KW ${C} O`);
  const { bias, stride = 1, pad, residual, activation = 'linear' } = options;
  if (bias) dims('bias', bias, `${O}`);
  checkCount('stride', stride, 1);
  checkWord('activation', activation, ['linear', 'relu']);
  const [rows, columns] = [KH, KW].map((kernel) => sides(pad ?? (kernel - 1) / 2));
  const side = (size: number, kernel: number, [before, after]: Sides): number =>
    Math.floor((size + before + after - kernel) / stride) + 1;
  if (residual) dims('residual', residual, `${N} ${side(H, KH, rows)} ${side(W, KW, columns)} ${O}`);
  const isEven = [...rows, ...columns].every((zeros) => zeros === rows[0]);
  const attrs = {
    strides: [stride, stride],
    pad: isEven ? rows[0] : [[0, 0], rows, columns, [0, 0]],
    dataFormat: 'NHWC',
    dilations: [1, 1],
  } as unknown as NamedAttrMap;
  const inputs: NamedTensorMap = { x, weight, ...(bias && { bias }), ...(residual && { residual }) };
  return customOp({
    inputs,
    forward: (save) => {
      const y = forwardConv({ x, weight, bias, residual, activation }, attrs);
      save(activation === 'relu' ? [x, weight, y] : [x, weight]);
      return y;
    },
    backward: (dy, [savedX, savedWeight, y]): Record<string, () => Tensor> => {
      const { g, sums } = beforeActivation(dy, y);
      const { shape } = savedX;
      return {
        x: () => runKernel('Conv2DBackpropInput', { dy: g, filter: savedWeight }, { ...attrs, inputShape: shape })[0],
        weight: () =>
          runKernel('Conv2DBackpropFilter', { x: savedX, dy: g }, { ...attrs, filterShape: savedWeight.shape })[0],
        bias: () => (sums ? tf.clone(sums) : columnSums(g)),
        residual: () => tf.clone(g),
      };
    },
  }) as Tensor4D;
}

/** Zeros before and after an axis. */
type Sides = readonly [number, number];

function sides(pad: number | Sides): Sides {
  const [before, after] = typeof pad === 'number' ? [pad, pad] : pad;
  checkCount('pad', before, 0);
  checkCount('pad', after, 0);
  return [before, after];
}

/** The gradient before a ReLU whose result was y (none: no ReLU), and its sums where a kernel gives them with it. */
function beforeActivation(dy: Tensor, y: Tensor | undefined): { g: Tensor; sums?: Tensor } {
  if (!y) return { g: dy };
  if (!hasKernel('LearngeneReluGrad')) return { g: tf.mul(dy, tf.step(y)) }; // it passes on where the result is positive
  const [g, sums] = runKernel('LearngeneReluGrad', { dy, y });
  return { g, sums };
}

interface ConvInputs {
  readonly x: Tensor4D;
  readonly weight: Tensor4D;
  readonly bias?: Tensor1D;
  readonly residual?: Tensor4D;
  readonly activation: 'linear' | 'relu';
}

/** One kernel where the backend has a fused one, else the convolution and what follows it after each other. */
function forwardConv({ x, weight, bias, residual, activation }: ConvInputs, attrs: NamedAttrMap): Tensor4D {
  const inputs = { x, filter: weight, ...(bias && { bias }) };
  if (hasKernel('LearngeneConv2d')) {
    const all = { ...inputs, ...(residual && { residual }) };
    return runKernel('LearngeneConv2d', all, { ...attrs, activation })[0] as Tensor4D;
  }
  if (bias && !residual && hasKernel('FusedConv2D')) {
    return runKernel('FusedConv2D', inputs, { ...attrs, activation })[0] as Tensor4D;
  }
  const product = runKernel('Conv2D', { x, filter: weight }, attrs)[0];
  const shifted = bias ? tf.add(product, bias) : product;
  const y = residual ? tf.add(shifted, residual) : shifted;
  return (activation === 'relu' ? tf.relu(y) : y) as Tensor4D;
}
