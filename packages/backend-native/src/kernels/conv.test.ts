import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, holds, random } from '../../test/against-cpu';
import { loadNative } from '../native';

type Pad = 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];

/** Sizes of a convolution whose window fits. */
const convolution = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(1, 2, 3, 8),
    filters: fc.constantFrom(1, 2, 5, 16),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom<Pad>('same', 'valid', 1, [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ]),
    seed: fc.nat(1e6),
  })
  .filter(({ height, width, kernel: [h, w] }) => h <= height && w <= width);

const TOLERANCE = { relative: 1e-5, absolute: 2e-5 };

describe('convolutions agree with the cpu backend', () => {
  test('conv2d, its gradients', async () => {
    await holds(convolution, ({ batch, height, width, channels, filters, kernel, stride, pad, seed }) =>
      agree(() => {
        const x = random([batch, height, width, channels], seed) as tf.Tensor4D;
        const w = random([...kernel, channels, filters], seed + 1) as tf.Tensor4D;
        const f = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad as never);
        const y = f(x, w);
        return [y, ...tf.grads(f)([x, w], random(y.shape, seed + 2))];
      }, TOLERANCE),
    );
  });

  test('sizes that take many tiles', async () => {
    for (const [shape, filter, stride] of [
      [[2, 32, 32, 16], [3, 3, 16, 24], 1],
      [[2, 33, 31, 16], [3, 3, 16, 24], 2],
      [[3, 16, 16, 40], [1, 1, 40, 24], 1],
      [[3, 16, 16, 40], [1, 1, 40, 24], 2],
      [[1, 12, 12, 64], [5, 5, 64, 8], 1],
    ] as const) {
      await agree(
        () => {
          const x = random([...shape], 1, -1, 1) as tf.Tensor4D;
          const w = random([...filter], 2, -1, 1) as tf.Tensor4D;
          const f = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same');
          const y = f(x, w);
          return [y, ...tf.grads(f)([x, w], random(y.shape, 3, -1, 1))];
        },
        { relative: 1e-5, absolute: 2e-3 },
      );
    }
  });

  test('dilation, and channels first by the cpu backend', async () => {
    await holds(
      fc.tuple(convolution, fc.integer({ min: 1, max: 3 })),
      ([{ batch, channels, filters, kernel, pad, seed }, dilation]) =>
        agree(() => {
          const x = random([batch, 9, 10, channels], seed) as tf.Tensor4D;
          const w = random([...kernel, channels, filters], seed + 1) as tf.Tensor4D;
          return tf.conv2d(x, w, 1, typeof pad === 'string' ? pad : 'same', 'NHWC', dilation);
        }, TOLERANCE),
    );
    const [x, w] = [() => random([1, 3, 5, 5], 1) as tf.Tensor4D, () => random([3, 3, 3, 2], 2) as tf.Tensor4D];
    await agree(() => tf.conv2d(x(), w(), 1, 'valid', 'NCHW'), TOLERANCE);
  });

  test('conv2dTranspose', async () => {
    await agree(() => {
      const x = random([2, 4, 5, 3], 1) as tf.Tensor4D;
      const w = random([3, 3, 4, 3], 2) as tf.Tensor4D;
      return [tf.conv2dTranspose(x, w, [2, 8, 10, 4], 2, 'same'), tf.conv2dTranspose(x, w, [2, 4, 5, 4], 1, 'same')];
    }, TOLERANCE);
  });

  test.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)(
    'fused with bias and %s, with gradients',
    async (activation) => {
      await agree(() => {
        const x = random([2, 5, 6, 3], 1) as tf.Tensor4D;
        const filter = random([3, 3, 3, 4], 2) as tf.Tensor4D;
        const bias = random([4], 3) as tf.Tensor1D;
        const prelu = activation === 'prelu' ? { preluActivationWeights: random([4], 5) } : {};
        const f = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias,
            strides: 1,
            pad: 'same',
            activation,
            leakyreluAlpha: 0.2,
            ...prelu,
          });
        const y = f(x, filter, bias);
        const differentiable = ['linear', 'relu', 'relu6'].includes(activation);
        return differentiable ? [y, ...tf.grads(f)([x, filter, bias], random(y.shape, 4))] : [y];
      }, TOLERANCE);
    },
  );

  test('depthwiseConv2d, its gradients', async () => {
    await holds(
      fc.tuple(convolution, fc.integer({ min: 1, max: 3 })),
      ([{ batch, height, width, channels, kernel, stride, pad, seed }, multiplier]) =>
        agree(() => {
          const x = random([batch, height, width, channels], seed) as tf.Tensor4D;
          const w = random([...kernel, channels, multiplier], seed + 1) as tf.Tensor4D;
          const same = typeof pad === 'string' ? pad : 'same';
          const f = (x: tf.Tensor, w: tf.Tensor) =>
            tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, same);
          const y = f(x, w);
          return [y, ...tf.grads(f)([x, w], random(y.shape, seed + 2))];
        }, TOLERANCE),
    );
    await agree(() => {
      const [x, w] = [random([1, 8, 8, 2], 1) as tf.Tensor4D, random([3, 3, 2, 1], 2) as tf.Tensor4D];
      return tf.depthwiseConv2d(x, w, 1, 'same', 'NHWC', 2);
    }, TOLERANCE);
  });
});

test('sizes that do not fit are refused', () => {
  const addon = loadNative();
  const sizes = [1, 4, 4, 2, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 5];
  const [x, w, y, none] = [32, 90, 80, 0].map((length) => new Float32Array(length));
  const conv = (changed: number[], to = y) => addon.conv2d(Int32Array.from(changed), x, w, to, none, -1, 0, none);
  expect(() => conv(sizes)).not.toThrow();
  expect(() => conv(sizes.with(1, 5))).toThrow('x: expected 40 elements, got 32');
  expect(() => conv(sizes.with(14, 6))).toThrow('filter: expected 108 elements, got 90');
  expect(() => conv(sizes.with(4, 5))).toThrow('y: expected 100 elements, got 80');
  expect(() => conv(sizes.with(8, 0))).toThrow('steps of at least 1');
  expect(() => conv(sizes.with(12, -1))).toThrow('expected sizes below');
  expect(() => conv(sizes.slice(1))).toThrow('expected 15 numbers, got 14');
  expect(() => conv([...Array(7).fill(2 ** 27), 2 ** 27, 1, 1, 1, 1, 0, 0, 2 ** 27])).toThrow('too large');
});

describe('a convolution and what follows it', () => {
  const shapes = [
    { shape: [2, 20, 21, 20], filter: [3, 3, 20, 24], stride: 1 }, // as tiles
    { shape: [2, 20, 21, 8], filter: [3, 3, 8, 5], stride: 2 }, // as patches
    { shape: [2, 9, 8, 12], filter: [1, 1, 12, 7], stride: 1 }, // as one product
  ] as const;
  const activations = { linear: (y: tf.Tensor) => y, relu: tf.relu, silu: (y: tf.Tensor) => tf.mul(y, tf.sigmoid(y)) };
  const cases = shapes.flatMap((sizes) =>
    Object.keys(activations).flatMap((activation) =>
      [[], ['bias'], ['residual'], ['bias', 'residual']].map((ends) => ({ ...sizes, activation, ends })),
    ),
  );

  test.each(cases)(
    '$filter, stride $stride, $activation of $ends',
    async ({ shape, filter, stride, activation, ends }) => {
      await agree(
        () => {
          const x = random([...shape], 1, -1, 1) as tf.Tensor4D;
          const w = random([...filter], 2, -1, 1) as tf.Tensor4D;
          const y = tf.conv2d(x, w, stride, 'same');
          const bias = random([filter[3]], 3, -1, 1);
          const residual = random(y.shape, 4, -1, 1);
          if (tf.getBackend() === 'native') {
            const given = { bias, residual };
            const inputs = Object.fromEntries(ends.map((name) => [name, given[name as 'bias']]));
            const attrs = { strides: stride, pad: 'same', dataFormat: 'NHWC', dilations: 1, activation };
            return tf.engine().runKernel('LearngeneConv2d', { x, filter: w, ...inputs }, attrs) as tf.Tensor;
          }
          const sum = tf.addN([y, ...(ends.includes('residual') ? [residual] : [])]);
          return activations[activation as 'relu'](ends.includes('bias') ? tf.add(sum, bias) : sum);
        },
        { relative: 1e-5, absolute: 2e-4 },
      );
    },
  );

  test('an activation that is not known is refused', async () => {
    await tf.setBackend('native');
    const inputs = { x: tf.ones([1, 4, 4, 2]), filter: tf.ones([3, 3, 2, 2]) };
    const attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1, activation: 'gelu' };
    expect(() => tf.engine().runKernel('LearngeneConv2d', inputs, attrs)).toThrow(
      "activation: expected one of linear, relu, silu, got 'gelu'",
    );
  });

  test('the gradient of a ReLU and its sums', async () => {
    for (const shape of [
      [2, 5, 7, 3],
      [40, 33, 48],
      [0, 4],
      [3, 0],
    ]) {
      await agree(
        () => {
          const [dy, z] = [random(shape, 1, -1, 1), random(shape, 2, -1, 1)];
          const y = tf.relu(z);
          if (tf.getBackend() === 'native') {
            return tf.engine().runKernel('LearngeneReluGrad', { dy, y }) as unknown as tf.Tensor[];
          }
          const dx = tf.mul(dy, tf.step(y));
          return [
            dx,
            tf.sum(
              tf.reshape(dx, [shape.reduce((a, b) => a * b) / Math.max(shape.at(-1) ?? 0, 1), shape.at(-1) ?? 0]),
              0,
            ),
          ];
        },
        { relative: 1e-5, absolute: 1e-4 },
      );
    }
  });
});
