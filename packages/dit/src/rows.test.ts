import { checkGradient, expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { gatherRows } from './rows';

beforeAll(useTestBackend);

const table = () =>
  tf.tensor2d(
    Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)),
    [5, 3],
  );

describe('gatherRows', () => {
  const indices = Int32Array.of(4, 1, 4, 0);

  test('is the product with one-hot rows, and so is its gradient', () => {
    const weight = tf.tensor2d(
      Float32Array.from({ length: 12 }, (_, i) => i - 5),
      [4, 3],
    );
    const oneHot = tf.cast(tf.oneHot(tf.tensor1d(indices, 'int32'), 5), 'float32') as tf.Tensor2D;
    const rows = table();
    expectClose(gatherRows(rows, indices), tf.matMul(oneHot, rows));
    const gradient = (f: (t: tf.Tensor2D) => tf.Tensor) =>
      tf.grad((t) => tf.sum(tf.mul(f(t as tf.Tensor2D), weight)))(rows);
    expectClose(
      gradient((t) => gatherRows(t, indices)),
      gradient((t) => tf.matMul(oneHot, t)),
    );
  });

  test('has the gradient of finite differences', () => {
    checkGradient((t) => gatherRows(t as tf.Tensor2D, indices), [table()]);
  });

  test('rejects an index outside the table', () => {
    expect(() => gatherRows(table(), Int32Array.of(5))).toThrow('indices: expected integers in [0, 5), got 5');
    expect(() => gatherRows(table(), Int32Array.of(-1))).toThrow('got -1');
  });

  test('leaks nothing', async () => {
    const rows = table();
    await expectNoLeak(() => {
      const { value, grads } = tf.engine().gradients(() => tf.sum(gatherRows(rows, indices)) as tf.Scalar, [rows]);
      tf.dispose([value, grads]);
    });
  });
});
