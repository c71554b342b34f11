import { expectClose, expectNoLeak } from '@learngene/testing';
import type { Scalar } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import { disposeParams, valueAndGrad, valueAndGradWithAux } from './index';

beforeAll(useNnBackend);

const make = () => ({ a: { w: tf.tensor1d([1, -2]) }, unused: tf.ones([2, 2]) });
type Params = ReturnType<typeof make>;
const loss = ({ a }: Params): Scalar => tf.sum(tf.square(a.w)) as Scalar;

describe('valueAndGrad', () => {
  test('gives the value and a tree of gradients, zero for what the loss does not use', () => {
    const params = make();
    const { value, grads } = valueAndGrad(loss, params);
    expectClose(value, 5);
    expectClose(grads.a.w, [2, -4]);
    expectClose(grads.unused, [0, 0, 0, 0]);
    disposeParams({ params, value, grads });
  });

  test('carries auxiliary tensors out', () => {
    const params = make();
    const { value, grads, aux } = valueAndGradWithAux((p: Params) => {
      const squares = tf.square(p.a.w);
      return { value: tf.sum(squares) as Scalar, aux: { squares } };
    }, params);
    expectClose(value, 5);
    expectClose(grads.a.w, [2, -4]);
    expectClose(aux.squares, [1, 4]);
    disposeParams({ params, value, grads, aux });
  });

  test('refuses a loss that is no scalar or depends on no leaf', () => {
    const params = make();
    expect(() => valueAndGrad((p: Params) => tf.clone(p.a.w) as unknown as Scalar, params)).toThrow(
      'loss: expected a scalar, got [2]',
    );
    expect(() => valueAndGrad(() => tf.scalar(1), params)).toThrow();
    disposeParams(params);
  });

  test('leaks nothing, also when the loss throws', () =>
    expectNoLeak(() => {
      const params = make();
      disposeParams({ ...valueAndGrad(loss, params) });
      const run = (fail: boolean) =>
        valueAndGradWithAux((p: Params) => {
          const value = tf.sum(p.a.w) as Scalar;
          return { value: fail ? (tf.ones([2]) as unknown as Scalar) : value, aux: { twice: tf.mul(p.a.w, 2) } };
        }, params);
      disposeParams({ ...run(false) });
      expect(() => tf.tidy(() => void run(true))).toThrow('expected a scalar');
      disposeParams(params);
    }));
});
