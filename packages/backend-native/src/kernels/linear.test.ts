import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, holds, positiveSize, random, size } from '../../test/against-cpu';
import { loadNative } from '../native';

const seed = fc.nat(1e6);
const near = { relative: 1e-4, absolute: 1e-4 };

/** A matrix, transposed or not. */
const matrix = (lead: number[], rows: number, columns: number, flip: boolean, s: number): tf.Tensor =>
  random([...lead, ...(flip ? [columns, rows] : [rows, columns])], s);

describe('products agree with the cpu backend', () => {
  const inner = fc.constantFrom(1, 2, 3, 17, 64, 130);
  const factors = fc.record({ m: size, n: size, k: inner, flipA: fc.boolean(), flipB: fc.boolean(), s: seed });

  test('of matrices', async () => {
    await holds(factors, ({ m, n, k, flipA, flipB, s }) =>
      agree(() => tf.matMul(matrix([], m, k, flipA, s), matrix([], k, n, flipB, s + 1), flipA, flipB), near),
    );
  });

  test('of batches whose leading axes broadcast', async () => {
    const lead = fc.constantFrom<[number[], number[]]>(
      [[3], [3]],
      [[1], [4]],
      [[4], [1]],
      [
        [2, 3],
        [2, 3],
      ],
      [[0], [0]],
      [
        [2, 3],
        [1, 1],
      ],
    );
    await holds(fc.tuple(factors, lead), ([{ m, n, k, flipA, flipB, s }, [a, b]]) =>
      agree(() => tf.matMul(matrix(a, m, k, flipA, s), matrix(b, k, n, flipB, s + 1), flipA, flipB), near),
    );
  });

  // the cpu backend makes too few matrices where both factors are repeated
  test.each([
    [
      [2, 1],
      [1, 3],
    ],
    [[2, 1], [3]],
    [
      [4, 1, 3],
      [2, 1],
    ],
  ])('of batches %j and %j that are both repeated', async (a, b) => {
    const lead = tf.backend_util.assertAndGetBroadcastShape(a, b);
    const filled = (x: tf.Tensor) => tf.broadcastTo(x, [...lead, ...x.shape.slice(-2)]);
    const [x, y] = [() => random([...a, 3, 5], 1), () => random([...b, 5, 4], 2)];
    await agree(() => (tf.getBackend() === 'cpu' ? tf.matMul(filled(x()), filled(y())) : tf.matMul(x(), y())), near);
  });

  test('of integers', async () => {
    await agree(() =>
      tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), tf.tensor2d([5, 6, 7, 8], [2, 2], 'int32')),
    );
  });

  test('fused with a bias and an activation', async () => {
    const activation = fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu' as const);
    const bias = fc.constantFrom('none', 'row', 'scalar', 'full' as const);
    await holds(fc.tuple(factors, activation, bias), ([{ m, n, k, flipA, flipB, s }, name, kind]) => {
      if (m * n === 0) return Promise.resolve();
      const biases = { none: undefined, row: [n], scalar: [], full: [m, n] }[kind as 'none'] as number[] | undefined;
      return agree(
        () =>
          tf.fused.matMul({
            a: matrix([], m, k, flipA, s),
            b: matrix([], k, n, flipB, s + 1),
            transposeA: flipA,
            transposeB: flipB,
            ...(biases && { bias: random(biases, s + 2) }),
            activation: name as 'relu',
            ...(name === 'prelu' && { preluActivationWeights: random([n], s + 3) }),
            ...(name === 'leakyrelu' && { leakyreluAlpha: 0.3 }),
          }),
        near,
      );
    });
  });

  test('softmax and its logarithm', async () => {
    const shape = fc.array(fc.constantFrom(1, 2, 5, 17, 64, 100), { minLength: 1, maxLength: 3 });
    await holds(fc.tuple(shape, seed), ([dims, s]) =>
      agree(() => [tf.softmax(random(dims, s, -20, 20)), tf.logSoftmax(random(dims, s, -20, 20))], {
        relative: 1e-5,
        absolute: 1e-6,
      }),
    );
  });
});

test('a low-rank layer agrees with its formula: of few rows, and of so many that it is swept block by block', async () => {
  const rows = fc.constantFrom(0, 1, 17, 640);
  const sizes = fc.record({
    rows,
    inputs: positiveSize,
    out: positiveSize,
    rank: positiveSize,
    bias: fc.boolean(),
    s: seed,
  });
  await holds(sizes, ({ rows, inputs, out, rank, bias, s }) =>
    agree(() => {
      const [x, u, scale, v] = [[rows, inputs], [out, rank], [rank], [inputs, rank]].map((shape, i) =>
        random(shape, s + i),
      );
      const given = { x, u, s: scale, v, ...(bias && { bias: random([out], s + 4) }) };
      if (tf.getBackend() !== 'cpu') return tf.engine().runKernel('LearngeneLowRankLinear', given) as tf.Tensor[];
      const h = tf.matMul(x, v);
      const y = tf.matMul(tf.mul(h, scale), u, false, true);
      return [given.bias ? tf.add(y, given.bias) : y, h];
    }, near),
  );
});

test('the addon refuses arrays that do not fit', () => {
  const addon = loadNative();
  const f = (length: number) => new Float32Array(length);
  expect(() => addon.gemm(2, 3, 4, 0, f(8), f(11), f(6), undefined, 0)).toThrow('b: expected 12 elements, got 11');
  expect(() => addon.gemm(2, 3, 4, 0, f(8), f(12), f(6), f(2), 0)).toThrow('bias: expected 3 elements, got 2');
  expect(() => addon.gemm(2, 3, 4, 0, f(8), f(12), f(6), undefined, 3)).toThrow('of: expected');
  expect(() => addon.gemm(2, 3, 4, 0, f(8), f(12), f(6), undefined, 9)).toThrow('epilogue: expected 0 to 4, got 9');
  const shared = f(20);
  expect(() => addon.gemm(2, 3, 4, 0, shared.subarray(0, 8), f(12), shared.subarray(6, 12), undefined, 0)).toThrow(
    'overlaps',
  );
  expect(() => addon.gemmBatch(2, 2, 2, 2, 0, f(8), f(4), f(8))).toThrow('b: expected 8 elements, got 4');
  expect(() => addon.attention(1, 2, 2, 6, 4, 1, f(12), f(12), f(12), f(12), f(8))).toThrow('divisor of 6');
  expect(() => addon.attention(1, 2, 2, 6, 3, 1, f(12), f(12), f(11), f(12), f(6))).toThrow('v: expected 12');
  expect(() => addon.layerNormModulate(1, 2, 3, f(6), f(3), f(2), 1e-6, f(6), f(4))).toThrow('scale: expected 3');
  expect(() => addon.softmax(f(6), 4, false, f(6))).toThrow('divisor of 6');
  expect(() => addon.ema(0.9, [f(3)], [f(2)], [f(3)])).toThrow('p[0]: expected 3 elements, got 2');
  expect(() => addon.ema(0.9, [f(3)], [f(3)], [])).toThrow('e1: expected 1 arrays, got 0');
  const one = f(3);
  expect(() => addon.ema(0.9, [one], [f(3)], [one])).toThrow('overlaps');
  const segment = [f(6), f(2), f(8)];
  expect(() =>
    addon.groupedLowRank(4, 4, 3, [2], [2], 0, f(16), f(3), f(1), f(4), undefined, segment, f(12), f(4)),
  ).toThrow('segments[0]');
});
