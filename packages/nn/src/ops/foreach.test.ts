import { expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals, useNnBackend } from '../../test/setup';
import { fewTensors, foreach } from './foreach';

beforeAll(useNnBackend);

const SHAPES = [[2, 3], [], [4], [2, 3], [3, 2], [300, 300], [4], [], [2, 3], [1], [300, 300], [0, 2], [0, 2]];

function leaves(seed: number): tf.Tensor[] {
  const draw = normals(seed);
  return SHAPES.map((shape) => draw(...shape));
}

describe('foreach', () => {
  test('gives for every leaf, in its place, what the function gives for it alone', () => {
    const [a, b] = [leaves(1), leaves(2)];
    const f = ([x, y]: tf.Tensor[]) => [tf.add(tf.mul(x, 2), y), tf.sub(x, y)];
    const results = foreach([a, b], f);
    expect(results).toHaveLength(2);
    for (const [i, shape] of SHAPES.entries()) {
      for (const [j, expected] of f([a[i], b[i]]).entries()) {
        expect(results[j][i].shape).toEqual(shape);
        expect(results[j][i].dataSync()).toEqual(expected.dataSync());
      }
    }
  });
  test('results outlive each other and the inputs; nothing leaks', async () => {
    await expectNoLeak(() => {
      const a = leaves(3);
      const values = a.map((leaf) => leaf.dataSync().slice());
      const [negated] = tf.tidy(() => foreach([a], ([x]) => [tf.neg(x)]));
      tf.dispose([a, negated[0], negated[5]]);
      for (const i of [3, 8, 10])
        expectClose(
          tf.tidy(() => tf.neg(negated[i]).dataSync()),
          values[i],
          { atol: 0 },
        );
      tf.dispose(negated);
    });
  });
  test('takes no leaves', () => expect(foreach([[], []], () => [])).toEqual([]));
});

test('fewTensors hold every element once', () => {
  const a = leaves(4);
  const sum = (list: tf.Tensor[]) =>
    list.flatMap((tensor) => [...tensor.dataSync()]).reduce((total, value) => total + value, 0);
  const count = (list: tf.Tensor[]) => list.reduce((total, { size }) => total + size, 0);
  expect(count(fewTensors(a))).toBe(count(a));
  expectClose(sum(fewTensors(a)), sum(a), { rtol: 1e-5, atol: 1e-2 });
  expect(fewTensors([])).toEqual([]);
});
