import { checkGradient, expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals, useNnBackend } from '../../test/setup';
import { globalNorm, stackTensors, sumTensors } from '../index';

beforeAll(useNnBackend);

describe('ops on many tensors', () => {
  const random = normals(3);

  test.each([1, 2, 7, 8, 13, 14, 50])('sums %i tensors as adding them from left to right', async (count) => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const terms = Array.from({ length: count }, () => random(3, 5));
        const expected = terms.slice(1).reduce((sum, term) => tf.add(sum, term), terms[0]);
        expect(Array.from(sumTensors(terms).dataSync())).toEqual(Array.from(expected.dataSync()));
      });
    });
  });

  test.each([1, 2, 7, 8, 30])('stacks %i tensors along every axis', async (count) => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const parts = Array.from({ length: count }, () => random(2, 3));
        for (const axis of [0, 1, 2]) {
          const stacked = stackTensors(parts, axis);
          expect(stacked.shape).toEqual([2, 3].toSpliced(axis, 0, count));
          parts.forEach((part, i) => {
            expectClose(tf.gather(stacked, tf.scalar(i, 'int32'), axis), part, { atol: 0, rtol: 0 });
          });
        }
      });
    });
  });

  test('has the gradients of finite differences', () => {
    const parts = Array.from({ length: 9 }, () => random(2));
    checkGradient((...xs) => sumTensors(xs.map((x, i) => tf.mul(x, i))), parts);
    checkGradient((...xs) => stackTensors(xs, 1), parts);
  });

  test('refuses none, and shapes that differ', () => {
    expect(() => sumTensors([])).toThrow('tensors: expected at least one, got none');
    expect(() => stackTensors([])).toThrow('tensors: expected at least one, got none');
    expect(() => stackTensors([random(2), random(3)])).toThrow('tensors: expected [2] as the first, got [3]');
  });

  test('the setup of these tests refuses an op of 8 inputs, and the norm of 40 leaves is no such op', () => {
    const leaves = Array.from({ length: 40 }, () => random(3));
    if (tf.getBackend() !== 'tensorflow') {
      expect(() => tf.addN(leaves.slice(0, 8))).toThrow('AddN: 8 inputs');
      expect(() => tf.stack(leaves.slice(0, 8))).toThrow('Pack: 8 inputs');
    }
    const squares = leaves.flatMap((leaf) => Array.from(leaf.dataSync())).reduce((sum, value) => sum + value ** 2, 0);
    const norm = globalNorm(Object.fromEntries([...leaves, tf.zeros([0, 3])].map((leaf, i) => [i, leaf])));
    expectClose(norm, Math.sqrt(squares), { rtol: 1e-6 });
  });
});
