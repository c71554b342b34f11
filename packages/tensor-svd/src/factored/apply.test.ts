import { applyLinear, disposeParams, initLinear, valueAndGrad } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { checkGradient, expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { applyFactored, composeDense } from './apply';
import { factorDense } from './factor-dense';

beforeAll(useTestBackend);

const dense = (inputs: number, out: number) => initLinear(createGenerator(3), { in: inputs, out });
const inputs = (shape: number[]) =>
  tf.tensor(
    normal(
      createGenerator(5),
      shape.reduce((a, b) => a * b),
    ),
    shape,
    'float32',
  );

describe('applyFactored and composeDense', () => {
  test.each([
    [8, 5],
    [5, 8],
    [6, 6],
  ])('a factored %i -> %i layer is the dense one', (n, m) => {
    const layer = dense(n, m);
    const f = factorDense(layer);
    const composed = composeDense(f);
    expectClose(composed.weight, layer.weight, { atol: 1e-6 });
    expectClose(composed.bias as tf.Tensor, layer.bias as tf.Tensor);
    const x = inputs([2, 3, n]);
    const y = applyFactored(f, x);
    expect(y.shape).toEqual([2, 3, m]);
    expectClose(y, applyLinear(layer, x), { atol: 2e-6 });
  });

  test('gives the gradients of the composed dense layer by the chain rule', () => {
    const f = factorDense(dense(7, 5), { rank: 3 });
    const x = inputs([4, 7]);
    const loss = (y: tf.Tensor) => tf.sum(tf.square(y)) as tf.Scalar;
    const composed = composeDense(f);
    const low = valueAndGrad((p) => loss(applyFactored(p, x)), f).grads;
    const full = valueAndGrad((p) => loss(applyLinear(p, x)), composed).grads;
    // dL/dU = dL/dW V diag(s), dL/dV = dL/dWᵀ U diag(s), dL/ds = diag(Uᵀ dL/dW V)
    expectClose(low.u, tf.mul(tf.matMul(full.weight, f.v), f.s), { atol: 1e-5, rtol: 1e-4 });
    expectClose(low.v, tf.mul(tf.matMul(full.weight, f.u, true), f.s), { atol: 1e-5, rtol: 1e-4 });
    expectClose(low.s, tf.sum(tf.mul(f.u, tf.matMul(full.weight, f.v)), 0), { atol: 1e-5, rtol: 1e-4 });
    expectClose(low.bias as tf.Tensor, full.bias as tf.Tensor, { atol: 1e-5, rtol: 1e-4 });
  });

  test('agrees with finite differences', () => {
    const f = factorDense(dense(4, 3), { rank: 2 });
    checkGradient(
      (u, s, v, x) => applyFactored({ u: u as tf.Tensor2D, s: s as tf.Tensor1D, v: v as tf.Tensor2D }, x),
      [f.u, f.s, f.v, inputs([3, 4])],
    );
    checkGradient(
      (u, s, v) => composeDense({ u: u as tf.Tensor2D, s: s as tf.Tensor1D, v: v as tf.Tensor2D }).weight,
      [f.u, f.s, f.v],
    );
  });

  test('leaves nothing behind', async () => {
    const f = factorDense(dense(6, 4));
    const x = inputs([2, 6]);
    await expectNoLeak(() => {
      applyFactored(f, x).dispose();
      disposeParams(composeDense(f));
    });
  });

  test('names shapes that do not go together', () => {
    const f = factorDense(dense(6, 4));
    expect(() => composeDense({ ...f, s: tf.zeros([3]) })).toThrow('s: expected [4], got [3]');
    expect(() => applyFactored(f, tf.zeros([2, 5]))).toThrow('x: expected [..., 6], got [2, 5]');
  });
});
