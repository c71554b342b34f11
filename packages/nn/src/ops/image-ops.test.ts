import { createGenerator } from '@learngene/random';
import { checkGradient, expectClose, expectNoLeak } from '@learngene/testing';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals, useNnBackend } from '../../test/setup';
import {
  type Conv2dOptions,
  conv2d,
  depthToSpace,
  groupNorm,
  initConv,
  spaceToDepth,
  upsampleNearest,
  valueAndGrad,
} from '../index';

beforeAll(useNnBackend);

const random = normals(3);

/** A convolution by its definition, in float64. */
function slowConv(x: Tensor4D, w: Tensor4D, { bias, stride = 1, pad, activation }: Conv2dOptions): Tensor4D {
  const [N, H, W, C] = x.shape;
  const [KH, KW, , O] = w.shape;
  const padOf = (kernel: number) => pad ?? (kernel - 1) / 2;
  const sides = (kernel: number) =>
    [padOf(kernel)]
      .flat()
      .concat(padOf(kernel) as number)
      .slice(0, 2);
  const [[top, bottom], [left, right]] = [sides(KH), sides(KW)];
  const height = Math.floor((H + top + bottom - KH) / stride) + 1;
  const width = Math.floor((W + left + right - KW) / stride) + 1;
  const [xs, ws, bs] = [x.arraySync(), w.arraySync(), bias?.arraySync()];
  const y = tf.buffer([N, height, width, O]);
  for (let n = 0; n < N; n++)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        for (let o = 0; o < O; o++) {
          let sum = bs?.[o] ?? 0;
          for (let a = 0; a < KH; a++)
            for (let b = 0; b < KW; b++)
              for (let c = 0; c < C; c++)
                sum += (xs[n][i * stride + a - top]?.[j * stride + b - left]?.[c] ?? 0) * ws[a][b][c][o];
          y.set(activation === 'relu' ? Math.max(0, sum) : sum, n, i, j, o);
        }
  return y.toTensor() as Tensor4D;
}

const convolutions: Record<
  string,
  { size: number[]; kernel: number | [number, number]; bias?: boolean } & Omit<Conv2dOptions, 'bias'>
> = {
  'three by three': { size: [2, 5, 4, 3], kernel: 3, bias: true },
  'with ReLU': { size: [1, 4, 4, 3], kernel: 3, bias: true, activation: 'relu' },
  'with ReLU and no bias': { size: [1, 4, 4, 2], kernel: 3, activation: 'relu' },
  'a step of two': { size: [2, 6, 4, 3], kernel: 3, stride: 2 },
  'a step of two on odd sides': { size: [1, 5, 7, 2], kernel: 3, stride: 2, pad: 1 },
  'zeros only after': { size: [1, 6, 4, 3], kernel: 3, stride: 2, pad: [0, 1], bias: true },
  'one by one': { size: [2, 3, 4, 6], kernel: 1, bias: true },
  'one by seven': { size: [2, 3, 9, 2], kernel: [1, 7], bias: true },
  'three by one': { size: [1, 5, 4, 3], kernel: [3, 1] },
  'three by one in steps of two with zeros only before': { size: [1, 7, 6, 2], kernel: [3, 1], stride: 2, pad: [2, 0] },
};

describe('conv2d', () => {
  test.each(Object.keys(convolutions))('%s: is the definition, with the gradients of finite differences', (name) => {
    const { size, kernel, bias, ...options } = convolutions[name];
    const x = random(...size) as Tensor4D;
    const weight = random(...[kernel, kernel].flat().slice(0, 2), size[3], 5) as Tensor4D;
    const b = bias ? [random(5) as Tensor1D] : [];
    const f = (image: Tensor, w: Tensor, vector?: Tensor) =>
      conv2d(image as Tensor4D, w as Tensor4D, { ...options, ...(vector && { bias: vector as Tensor1D }) });
    expectClose(f(x, weight, ...b), slowConv(x, weight, { ...options, ...(bias && { bias: b[0] }) }), {
      atol: 1e-5,
      rtol: 1e-5,
    });
    // The kink of the ReLU makes a difference quotient wrong: a smaller step meets fewer.
    checkGradient(f, [x, weight, ...b], options.activation ? { step: 1e-3, tolerance: 1e-2 } : {});
  });

  test('does not compute the gradient of an image that needs none, and leaks nothing', async () => {
    const x = random(1, 4, 4, 3) as Tensor4D;
    const layer = { weight: random(3, 3, 3, 2) as Tensor4D, bias: random(2) as Tensor1D };
    const step = async () => {
      const run = () =>
        valueAndGrad((p) => tf.sum(conv2d(x, p.weight, { bias: p.bias, activation: 'relu' })) as tf.Scalar, layer);
      let made: ReturnType<typeof run> | undefined;
      const { kernels } = await tf.profile(() => (made = run()).value);
      const ran = kernels.map(({ name }) => name);
      expect(ran).toContain('Conv2DBackpropFilter');
      expect(ran).not.toContain('Conv2DBackpropInput');
      const { value, grads } = made!;
      tf.dispose([value, grads.weight, grads.bias]);
    };
    await expectNoLeak(step);
  });

  test('refuses what does not fit, by name', () => {
    const x = random(1, 4, 4, 3) as Tensor4D;
    const weight = random(3, 3, 3, 2) as Tensor4D;
    const refused: [() => unknown, string][] = [
      [() => conv2d(x, random(3, 3, 2, 2) as Tensor4D), 'weight: expected [KH, KW, 3, O], got [3, 3, 2, 2]'],
      [() => conv2d(x, random(2, 1, 3, 2) as Tensor4D), 'pad: expected a whole number of at least 0, got 0.5'],
      [() => conv2d(x, weight, { bias: random(3) as Tensor1D }), 'bias: expected [2], got [3]'],
      [() => conv2d(x, weight, { stride: 0 }), 'stride: expected a whole number'],
      [() => conv2d(x, weight, { pad: -1 }), 'pad: expected a whole number'],
      [() => conv2d(x, weight, { pad: 0.5 }), 'pad: expected a whole number'],
      [() => conv2d(x, weight, { activation: 'gelu' as 'relu' }), 'activation: expected one of linear, relu'],
      [() => conv2d(x, weight, { padding: 1 } as Conv2dOptions), "got 'padding'"],
    ];
    for (const [f, message] of refused) expect(f).toThrow(message);
  });
});

test("initConv draws torch.nn.Conv2d's numbers", () => {
  // torch.manual_seed(0); torch.nn.Conv2d(2, 3, 3): weight[2, 1, 0, 2] and bias[1] by the order of its draws.
  const { weight, bias } = initConv(createGenerator(0), { in: 2, out: 3 });
  expect(weight.shape).toEqual([3, 3, 2, 3]);
  const at = (o: number, c: number, i: number, j: number) => weight.arraySync()[i][j][c][o];
  expect(at(0, 0, 0, 0)).toBeCloseTo(-0.00176466, 6);
  expect(at(2, 1, 0, 2)).toBeCloseTo(0.13819724, 6);
  expect(bias?.arraySync()[1]).toBeCloseTo(-0.13878204, 6);
  expect('bias' in initConv(createGenerator(0), { in: 2, out: 3, bias: false })).toBe(false);
});

describe('groupNorm', () => {
  const norm = (activation: 'linear' | 'relu' | 'silu') => (x: Tensor, weight: Tensor, bias: Tensor) =>
    groupNorm(x as Tensor4D, { groups: 2, weight: weight as Tensor1D, bias: bias as Tensor1D, activation });

  test('gives every group mean 0 and variance 1, up to eps', () => {
    const x = tf.add(tf.mul(random(2, 3, 5, 6), 4), 7) as Tensor4D;
    const y = norm('linear')(x, tf.ones([6]), tf.zeros([6])).arraySync() as number[][][][];
    for (const sample of y)
      for (const group of [0, 1]) {
        const values = sample.flat().flatMap((channels) => channels.slice(3 * group, 3 * group + 3));
        const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
        expect(Math.abs(mean)).toBeLessThan(1e-5);
        expect(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length).toBeCloseTo(1, 4);
      }
  });

  test.each(['linear', 'silu', 'relu'] as const)('%s: has the gradients of finite differences', (activation) => {
    const inputs = [random(2, 2, 3, 4), random(4), random(4)];
    checkGradient(norm(activation), inputs, activation === 'relu' ? { step: 1e-3, tolerance: 1e-2 } : {});
  });

  test('applies the activation last', () => {
    const [x, weight, bias] = [random(1, 3, 3, 4), random(4), random(4)];
    const y = norm('linear')(x, weight, bias);
    expectClose(norm('relu')(x, weight, bias), tf.relu(y), { atol: 1e-6 });
    expectClose(norm('silu')(x, weight, bias), tf.mul(y, tf.sigmoid(y)), { atol: 1e-6 });
  });

  test('refuses what does not fit, by name', () => {
    const x = random(1, 2, 2, 6) as Tensor4D;
    const [weight, bias] = [random(6) as Tensor1D, random(6) as Tensor1D];
    expect(() => groupNorm(x, { groups: 4, weight, bias })).toThrow('groups: expected a divisor of 6, got 4');
    expect(() => groupNorm(x, { groups: 2, weight: random(4) as Tensor1D, bias })).toThrow('weight: expected [6]');
    expect(() => groupNorm(x, { groups: 2, weight, bias, eps: -1 })).toThrow('eps: expected');
  });
});

describe('upsampling and shuffles', () => {
  test('upsampleNearest repeats every pixel and adds their gradients up', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]);
    expect(upsampleNearest(x).arraySync()).toEqual([
      Array.from({ length: 2 }, () => [
        [1, 2],
        [1, 2],
        [3, 4],
        [3, 4],
        [5, 6],
        [5, 6],
      ]),
    ]);
    checkGradient((image) => upsampleNearest(image as Tensor4D), [random(2, 2, 3, 2)]);
  });

  test("spaceToDepth is TensorFlow's, and depthToSpace its inverse", () => {
    const x = random(2, 4, 6, 3) as Tensor4D;
    const deep = spaceToDepth(x);
    expect(deep.shape).toEqual([2, 2, 3, 12]);
    expectClose(tf.depthToSpace(deep, 2), x, { atol: 0 });
    expectClose(depthToSpace(deep), x, { atol: 0 });
    checkGradient((image) => spaceToDepth(image as Tensor4D), [random(1, 2, 4, 2)]);
    checkGradient((image) => depthToSpace(image as Tensor4D), [random(1, 2, 1, 8)]);
    expect(() => spaceToDepth(random(1, 3, 4, 1) as Tensor4D)).toThrow('x: expected even sides, got 3 x 4');
    expect(() => depthToSpace(random(1, 2, 2, 6) as Tensor4D)).toThrow('multiple of 4 channels, got 6');
  });
});
