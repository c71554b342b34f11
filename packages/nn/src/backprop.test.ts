import { expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import { gradients } from './backprop';
import { customOp } from './ops/custom-op';

beforeAll(useNnBackend);

const x = () => tf.tensor1d([0.5, -1, 2]);
const sum = (y: tf.Tensor) => tf.sum(y) as tf.Scalar;

/** Gradients here and by the engine, with tensors disposed and none leaked. */
async function expectSame(f: (...leaves: tf.Tensor[]) => tf.Scalar, count = 1): Promise<void> {
  await expectNoLeak(() => {
    const leaves = Array.from({ length: count }, x);
    const ours = gradients(() => f(...leaves), leaves);
    const theirs = tf.tidy(() => tf.engine().gradients(() => f(...leaves), leaves));
    expectClose(ours.value, theirs.value);
    for (const [i, grad] of theirs.grads.entries()) {
      expect(ours.grads[i] === undefined).toBe(grad === undefined);
      if (grad) expectClose(ours.grads[i] as tf.Tensor, grad);
    }
    tf.dispose([...leaves, ours.value, theirs.value]);
    tf.dispose([...ours.grads, ...theirs.grads].filter((grad) => grad !== undefined));
  });
}

describe('gradients', () => {
  test('of tensors that are used several times', async () => {
    await expectSame((a) => sum(tf.mul(a, a)));
    await expectSame((a) => sum(tf.add(a, a)));
    await expectSame((a) => sum(tf.add(tf.square(a), tf.mul(tf.square(a), tf.sin(a)))));
    await expectSame((a, b) => sum(tf.mul(tf.add(a, b), tf.sub(a, b))), 2);
  });

  test('of ops that hand on dy itself', async () => {
    await expectSame((a) => sum(tf.reshape(tf.clone(a), [3, 1])));
    await expectSame((a) => sum(tf.concat([a, tf.clone(a)])));
  });

  test('of ops with several results', () => expectSame((a) => sum(tf.split(tf.square(a), 3)[1])));

  test('of an op of ours whose inputs, result and data the function disposes after it', async () => {
    const data = x(); // from before the recording: it is not cloned, and stays the caller's
    const scaled = (a: tf.Tensor) =>
      customOp({
        inputs: { a, data },
        forward: (save) => {
          const y = tf.mul(a, data);
          const state = tf.add(y, 1);
          save([a, data, y, state]);
          return y;
        },
        backward: (dy, [a, data, y, state]) => ({
          a: tf.tidy(() => tf.mul(dy, tf.mul(data, tf.sub(state, y)))), // state - y is 1
          data: () => tf.mul(dy, a),
        }),
      });
    await expectSame((a) => {
      const inner = tf.square(a);
      const y = scaled(inner);
      const loss = tf.sum(tf.exp(y)) as tf.Scalar;
      tf.dispose([inner, y]);
      return loss;
    });
    expect(data.isDisposed).toBe(false);
    data.dispose();
  });

  test('inside which tf.grads differentiates an op of ours', async () => {
    const double = (a: tf.Tensor) =>
      customOp({ inputs: { a }, forward: () => tf.mul(a, 2), backward: (dy) => ({ a: tf.tidy(() => tf.mul(dy, 2)) }) });
    await expectSame((a) => {
      const before = double(a);
      const [inner] = tf.grads((b: tf.Tensor) => sum(double(tf.square(b))))([before]);
      return sum(tf.mul(before, inner));
    });
  });

  test('of leaves that the value does not depend on', () => expectSame((a) => sum(tf.square(a)), 2));

  test('fails without a leak where nothing depends on a leaf, an op has no gradient, or the function throws', () =>
    expectNoLeak(() => {
      const a = x();
      for (const f of [
        () => tf.scalar(1),
        () => sum(tf.cumprod(a)),
        () => {
          tf.square(tf.square(a));
          throw new Error('stop');
        },
      ]) {
        expect(() => gradients(f, [a])).toThrow();
      }
      a.dispose();
    }));

  test('frees what is used up before it goes on', () => {
    const leaf = x();
    const counts: number[] = [];
    const counted = tf.customGrad((input) => {
      const value = tf.square(input as tf.Tensor);
      return {
        value,
        gradFunc: (dy: tf.Tensor) => {
          counts.push(tf.memory().numTensors);
          return tf.mul(dy, 2);
        },
      };
    });
    const { value, grads } = gradients(
      () => sum(Array.from({ length: 6 }).reduce<tf.Tensor>((y) => counted(y), leaf)),
      [leaf],
    );
    expect(Math.max(...counts)).toBeLessThanOrEqual(counts[0]);
    tf.dispose([leaf, value, ...(grads as tf.Tensor[])]);
  });
});
