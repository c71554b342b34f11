import { valueAndGrad } from '@learngene/nn';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { embedClasses } from './embed-classes';

beforeAll(useTestBackend);

const groups = [
  { name: 'a', classes: [2, 0] },
  { name: 'b', classes: [1] },
  { name: 'c', classes: [3] },
];
const tables = () => ({
  a: tf.tensor2d([20, 21, 0, 1], [2, 2]),
  c: tf.tensor2d([30, 31], [1, 2]),
  none: tf.tensor2d([9, 8], [1, 2]),
});
type Tables = ReturnType<typeof tables>;
const embed = (ids: number[], { a, c, none }: Tables) =>
  embedClasses(Int32Array.from(ids), {
    groups,
    active: ['a', 'c'],
    rowsOf: (name) => ({ a, c })[name as 'a'],
    nullRow: none,
  });

describe('embedClasses', () => {
  test('takes the row of each class from its group, and the null row for the null label', () => {
    const y = embed([3, 0, 4, 2, 3], tables());
    expect(y.arraySync()).toEqual([
      [30, 31],
      [0, 1],
      [9, 8],
      [20, 21],
      [30, 31],
    ]);
  });

  test('gives each row the sum of the gradients of its samples', () => {
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const { grads } = valueAndGrad((p: Tables) => tf.sum(tf.mul(embed([3, 2, 3], p), weights)) as tf.Scalar, tables());
    expect(grads.c.arraySync()).toEqual([[6, 8]]);
    expect(grads.a.arraySync()).toEqual([
      [3, 4],
      [0, 0],
    ]);
    expect(grads.none.arraySync()).toEqual([[0, 0]]);
  });

  test('leaves nothing behind', async () => {
    const p = tables();
    await expectNoLeak(() => tf.dispose(embed([0, 4], p)));
  });
});
