import '@tensorflow/tfjs-backend-cpu';
import { createGenerator, normal } from '@learngene/random';
import { checkGradient } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { gradientConfigs } from './tfjs-gradients';

interface Case {
  name: string;
  shapes: number[][];
  f: (...xs: tf.Tensor[]) => tf.Tensor;
}
type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

const image = [1, 4, 4, 2];
const volume = [1, 3, 3, 3, 1];

/** Ops whose gradients use code that the build copies from tfjs-core, next to ops that it imports. */
const cases: Case[] = [
  { name: 'conv2d', shapes: [image, [3, 3, 2, 2]], f: (x, w) => tf.conv2d(x as T4, w as T4, 1, 'same') },
  {
    name: 'conv2dTranspose',
    shapes: [
      [1, 2, 2, 2],
      [2, 2, 2, 2],
    ],
    f: (x, w) => tf.conv2dTranspose(x as T4, w as T4, [1, 4, 4, 2], 2, 'same'),
  },
  {
    name: 'depthwiseConv2d',
    shapes: [image, [2, 2, 2, 1]],
    f: (x, w) => tf.depthwiseConv2d(x as T4, w as T4, 1, 'same'),
  },
  { name: 'conv3d', shapes: [volume, [2, 2, 2, 1, 2]], f: (x, w) => tf.conv3d(x as T5, w as T5, 1, 'valid') },
  { name: 'avgPool', shapes: [image], f: (x) => tf.avgPool(x as T4, 2, 2, 'same') },
  { name: 'maxPool', shapes: [image], f: (x) => tf.maxPool(x as T4, 2, 2, 'same') },
  { name: 'avgPool3d', shapes: [volume], f: (x) => tf.avgPool3d(x as T5, 2, 1, 'valid') },
  { name: 'maxPool3d', shapes: [volume], f: (x) => tf.maxPool3d(x as T5, 2, 1, 'valid') },
  { name: 'localResponseNormalization', shapes: [image], f: (x) => tf.localResponseNormalization(x as T4) },
  { name: 'tile', shapes: [[2, 3]], f: (x) => tf.tile(x, [2, 2]) },
  { name: 'slice', shapes: [[3, 4]], f: (x) => tf.slice(x, [1, 1], [2, -1]) },
  { name: 'selu', shapes: [[5]], f: (x) => tf.selu(x as tf.Tensor1D) },
  { name: 'max', shapes: [[3, 4]], f: (x) => tf.max(x, 1) },
  { name: 'cumsum', shapes: [[3, 4]], f: (x) => tf.cumsum(x, 1) },
  { name: 'gather', shapes: [[3, 4]], f: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32'), 1) },
  { name: 'add over rows', shapes: [[3, 4], [4]], f: (x, y) => tf.add(x, y) },
  {
    name: 'divide',
    shapes: [
      [2, 2],
      [2, 1],
    ],
    f: (x, y) => tf.div(x, tf.add(tf.square(y), 2)),
  },
  { name: 'softmax', shapes: [[2, 3]], f: (x) => tf.softmax(x) },
  {
    name: 'batchNorm',
    shapes: [[4, 3], [3], [3], [3]],
    f: (x, mean, offset, scale) => tf.batchNorm(x as tf.Tensor2D, mean, tf.ones([3]), offset, scale),
  },
];

describe('the gradients of tfjs-core, as the build bundles them', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    for (const config of gradientConfigs) tf.registerGradient(config);
  });

  test.each(cases)('$name agrees with finite differences', ({ shapes, f }) => {
    const g = createGenerator(3);
    const size = (shape: number[]) => shape.reduce((product, n) => product * n, 1);
    const inputs = shapes.map((shape) => tf.tensor(normal(g, size(shape)), shape));
    expect(() => checkGradient(f, inputs, { step: 1e-3, tolerance: 5e-3 })).not.toThrow();
  });
});
