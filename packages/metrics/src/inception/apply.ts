import { applyConv, type ConvParams, linear } from '@learngene/nn';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { SPATIAL_CHANNELS } from './architecture';
import type { InceptionBlock, InceptionParams } from './params';

/** Outputs of {@link applyInception}; the caller owns them. */
export interface InceptionOutputs {
  /** Mean of the last map over its positions [N, 2048]: `pool_3` of TensorFlow's graph. */
  readonly pool3: Tensor2D;
  /** The first 7 channels of `mixed_6/conv` of that graph (branch1x1 of Mixed_6d), [N, 17, 17, 7] for images of 299. */
  readonly spatial: Tensor4D;
}

/** Options of {@link inceptionLogits}. */
export interface InceptionLogitsOptions {
  /** Whether the classifier's bias is added (default false: so do ADM and torch-fidelity for the Inception Score). */
  readonly bias?: boolean;
}

/**
 * The classifier of Inception v3.
 *
 * @param pool3 float32 [N, 2048].
 * @returns Logits [N, 1008]; the caller owns them.
 */
export function inceptionLogits(
  params: InceptionParams,
  pool3: Tensor2D,
  { bias = false }: InceptionLogitsOptions = {},
): Tensor2D {
  const { fc } = params;
  return linear(pool3, fc.weight, bias ? fc.bias : undefined) as Tensor2D;
}

/** A convolution that keeps the size, and ReLU. */
const conv = (params: ConvParams, x: Tensor4D): Tensor4D => applyConv(params, x, { activation: 'relu' });
/** A convolution of positions whose taps are all inside the image, and ReLU. */
const convInside = (params: ConvParams, x: Tensor4D, stride: number): Tensor4D =>
  applyConv(params, x, { activation: 'relu', pad: 0, stride });
/** Means over 3 x 3; of the taps that are inside, as TensorFlow has it. */
const averages = (x: Tensor4D): Tensor4D => tf.avgPool(x, 3, 1, 'same');
const halved = (x: Tensor4D): Tensor4D => tf.maxPool(x, 3, 2, 'valid');
const join = (branches: Tensor4D[]): Tensor4D => tf.concat(branches, 3);
/** Applies one layer of a block after the other. */
const chain = (p: InceptionBlock, x: Tensor4D, ...names: string[]): Tensor4D =>
  names.reduce((y, name) => conv(p[name], y), x);

/** [N, H, W, in] -> [N, H, W, 224 + pool]. */
function blockA(p: InceptionBlock, x: Tensor4D): Tensor4D {
  return join([
    conv(p.branch1x1, x),
    chain(p, x, 'branch5x5_1', 'branch5x5_2'),
    chain(p, x, 'branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3'),
    conv(p.branch_pool, averages(x)),
  ]);
}

/** [N, H, W, 288] -> [N, (H - 1) / 2, (W - 1) / 2, 768]. */
function blockB(p: InceptionBlock, x: Tensor4D): Tensor4D {
  return join([
    convInside(p.branch3x3, x, 2),
    convInside(p.branch3x3dbl_3, chain(p, x, 'branch3x3dbl_1', 'branch3x3dbl_2'), 2),
    halved(x),
  ]);
}

/** [N, H, W, 768] -> the same. `first` is the result of branch1x1. */
function blockC(p: InceptionBlock, x: Tensor4D, first: Tensor4D = conv(p.branch1x1, x)): Tensor4D {
  return join([
    first,
    chain(p, x, 'branch7x7_1', 'branch7x7_2', 'branch7x7_3'),
    chain(p, x, 'branch7x7dbl_1', 'branch7x7dbl_2', 'branch7x7dbl_3', 'branch7x7dbl_4', 'branch7x7dbl_5'),
    conv(p.branch_pool, averages(x)),
  ]);
}

/** [N, H, W, 768] -> [N, (H - 1) / 2, (W - 1) / 2, 1280]. */
function blockD(p: InceptionBlock, x: Tensor4D): Tensor4D {
  return join([
    convInside(p.branch3x3_2, conv(p.branch3x3_1, x), 2),
    convInside(p.branch7x7x3_4, chain(p, x, 'branch7x7x3_1', 'branch7x7x3_2', 'branch7x7x3_3'), 2),
    halved(x),
  ]);
}

/**
 * [N, H, W, in] -> [N, H, W, 2048]. The pooling of the last block takes the largest value, not the mean: so does the graph of
 * 2015, and so do those that follow it.
 */
function blockE(p: InceptionBlock, x: Tensor4D, pool: 'mean' | 'max'): Tensor4D {
  const split = conv(p.branch3x3_1, x);
  const double = chain(p, x, 'branch3x3dbl_1', 'branch3x3dbl_2');
  return join([
    conv(p.branch1x1, x),
    conv(p.branch3x3_2a, split),
    conv(p.branch3x3_2b, split),
    conv(p.branch3x3dbl_3a, double),
    conv(p.branch3x3dbl_3b, double),
    conv(p.branch_pool, pool === 'mean' ? averages(x) : tf.maxPool(x, 3, 1, 'same')),
  ]);
}

type Stage = (x: Tensor4D) => Tensor4D;

/** Applies stages one after the other; what a stage made is freed after the next, and `x` is kept. */
function inStages(x: Tensor4D, stages: readonly Stage[]): Tensor4D {
  let y = x;
  for (const stage of stages) {
    const next = tf.tidy(() => stage(y));
    if (y !== x) y.dispose();
    y = next;
  }
  return y;
}

/**
 * Inception v3 with the FID weights (Szegedy et al. 2015; the network behind FID, Heusel et al. 2017).
 *
 * @param x float32 [N, H, W, 3], pixels in [-1, 1); sides of at least 75, 299 for comparable figures.
 * @returns Tensors that the caller owns.
 */
export function applyInception(params: InceptionParams, x: Tensor4D): InceptionOutputs {
  const p = params as unknown as Readonly<Record<string, InceptionBlock>>;
  const s = params as unknown as InceptionBlock;
  return tf.tidy(() => {
    const before = inStages(x, [
      (y) => convInside(s.Conv2d_1a_3x3, y, 2), // [N, 149, 149, 32]
      (y) => convInside(s.Conv2d_2a_3x3, y, 1), // [N, 147, 147, 32]
      (y) => halved(conv(s.Conv2d_2b_3x3, y)), // [N, 73, 73, 64]
      (y) => conv(s.Conv2d_3b_1x1, y), // [N, 73, 73, 80]
      (y) => halved(convInside(s.Conv2d_4a_3x3, y, 1)), // [N, 35, 35, 192]
      (y) => blockA(p.Mixed_5b, y), // [N, 35, 35, 256]
      (y) => blockA(p.Mixed_5c, y), // [N, 35, 35, 288]
      (y) => blockA(p.Mixed_5d, y), // [N, 35, 35, 288]
      (y) => blockB(p.Mixed_6a, y), // [N, 17, 17, 768]
      (y) => blockC(p.Mixed_6b, y), // [N, 17, 17, 768]
      (y) => blockC(p.Mixed_6c, y), // [N, 17, 17, 768]
    ]);
    const first = conv(p.Mixed_6d.branch1x1, before); // [N, 17, 17, 192]
    const spatial = tf.slice(first, [0, 0, 0, 0], [-1, -1, -1, SPATIAL_CHANNELS]);
    const last = inStages(before, [
      (y) => blockC(p.Mixed_6d, y, first), // [N, 17, 17, 768]
      (y) => blockC(p.Mixed_6e, y), // [N, 17, 17, 768]
      (y) => blockD(p.Mixed_7a, y), // [N, 8, 8, 1280]
      (y) => blockE(p.Mixed_7b, y, 'mean'), // [N, 8, 8, 2048]
      (y) => blockE(p.Mixed_7c, y, 'max'), // [N, 8, 8, 2048]
    ]);
    const pool3 = tf.mean(last, [1, 2]) as Tensor2D; // [N, 2048]
    return { pool3, spatial };
  });
}
