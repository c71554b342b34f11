import { disposeParams, initLinear } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { frobenius, orthogonalityError } from '../../test/matrices';
import { randomOrthonormal } from '../random-orthonormal';
import { matrixFromTensor } from '../tensor-matrix';
import { applyFactored, composeDense } from './apply';
import { factorDense } from './factor-dense';
import { type FactoredInit, initFactored } from './init';

beforeAll(useTestBackend);

const size = { in: 12, out: 8, rank: 8 };

describe('initFactored', () => {
  test("'xavier-uniform' at full rank is the dense layer's weight", () => {
    const f = initFactored(createGenerator(4), size);
    const dense = initLinear(createGenerator(4), { in: 12, out: 8, init: 'xavier-uniform' });
    expectClose(composeDense(f).weight, dense.weight, { atol: 1e-6 });
    expectClose(f.bias as tf.Tensor, tf.zeros([8]));
    const half = initFactored(createGenerator(4), { ...size, rank: 4 });
    expectClose(half.s, tf.slice(f.s, 0, 4));
  });

  test.each([1, 3, 8])("'orthogonal' at rank %i has orthonormal factors and Xavier's norm", (rank) => {
    const f = initFactored(createGenerator(4), { ...size, rank, init: 'orthogonal', bias: false });
    expect(f.bias).toBeUndefined();
    expect(orthogonalityError(matrixFromTensor(f.u))).toBeLessThan(1e-6);
    expect(orthogonalityError(matrixFromTensor(f.v))).toBeLessThan(1e-6);
    // 96 weights of variance 2 / (12 + 8).
    expectClose(frobenius(composeDense(f).weight.dataSync()) ** 2, 9.6, { rtol: 1e-5 });
  });

  test("'zero-output' maps to zero, and its u has a gradient", () => {
    const f = initFactored(createGenerator(4), { ...size, init: 'zero-output', rank: 10, bias: false });
    const x = tf.ones([2, 12]);
    expectClose(applyFactored(f, x), tf.zeros([2, 8]));
    const gradient = tf.grad((u) => tf.sum(applyFactored({ ...f, u: u as tf.Tensor2D }, x)))(f.u);
    expect(frobenius(gradient.dataSync())).toBeGreaterThan(0.1);
  });

  test.each<FactoredInit>(['xavier-uniform', 'orthogonal', 'zero-output'])(
    '%s repeats for a seed and leaks nothing',
    async (init) => {
      const draw = () => initFactored(createGenerator(6), { ...size, init });
      expectClose(draw().v, draw().v, { atol: 0, rtol: 0 });
      await expectNoLeak(() => disposeParams(draw()));
    },
  );

  test('names what is wrong', () => {
    const g = createGenerator(1);
    expect(() => initFactored(g, { ...size, rank: 9 })).toThrow('rank: expected an integer from 1 to 8, got 9');
    expect(() => initFactored(g, { ...size, rank: 13, init: 'zero-output' })).toThrow('from 1 to 12, got 13');
    expect(() => initFactored(g, { ...size, init: 'zeros' as 'orthogonal' })).toThrow(
      "init: expected 'xavier-uniform', 'orthogonal' or 'zero-output', got zeros",
    );
  });
});

describe('randomOrthonormal', () => {
  test.each([
    [5, 5],
    [9, 4],
    [3, 1],
  ])('has orthonormal columns: %i x %i', (rows, cols) => {
    expect(orthogonalityError(randomOrthonormal(createGenerator(2), rows, cols))).toBeLessThan(1e-14);
  });

  test('is a rotation or a reflection equally often', () => {
    let positive = 0;
    const g = createGenerator(3);
    for (let i = 0; i < 400; i++) if (randomOrthonormal(g, 1, 1).data[0] > 0) positive++;
    expect(Math.abs(positive - 200)).toBeLessThan(60);
  });

  test('needs as many rows as columns', () => {
    expect(() => randomOrthonormal(createGenerator(2), 2, 3)).toThrow('cols: expected at most rows = 2, got 3');
  });
});

describe('factorDense', () => {
  test('finds a low-rank weight with a random sketch as with the exact SVD', async () => {
    const dense = composeDense(initFactored(createGenerator(8), { in: 20, out: 15, rank: 3 }));
    const exact = factorDense(dense, { rank: 3 });
    const random = factorDense(dense, { rank: 3, randomized: createGenerator(5) });
    expectClose(random.s, exact.s, { rtol: 1e-5 });
    expectClose(composeDense(random).weight, dense.weight, { atol: 1e-6 });
    await expectNoLeak(() => disposeParams(factorDense(dense, { rank: 2 })));
  });

  test('names what is wrong', () => {
    const weight = tf.ones<tf.Rank.R2>([3, 2]);
    expect(() => factorDense({ weight }, { rank: 0 })).toThrow('rank: expected an integer from 1 to 2, got 0');
    expect(() => factorDense({ weight: tf.div(weight, 0) })).toThrow(
      'weight: expected finite values, got Infinity at [0, 0]',
    );
  });
});
