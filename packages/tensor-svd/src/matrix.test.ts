import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { parkMiller } from '../test/matrices';
import { createMatrix, identityMatrix, transpose } from './dense/matrix';
import { matrixFromTensor, tensorFromMatrix } from './tensor-matrix';

beforeAll(useTestBackend);

describe('matrices', () => {
  test('are copied from values, or zero', () => {
    const values = Float64Array.of(1, 2, 3, 4, 5, 6);
    const a = createMatrix(2, 3, values);
    values[0] = 9;
    expect(Array.from(a.data)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(createMatrix(1, 2).data)).toEqual([0, 0]);
    expect(Array.from(identityMatrix(2).data)).toEqual([1, 0, 0, 1]);
  });

  test('are transposed, and back', () => {
    const a = parkMiller(1, 70, 35);
    const b = transpose(a);
    expect([b.rows, b.cols]).toEqual([35, 70]);
    expect(b.data[3 * 70 + 64]).toBe(a.data[64 * 35 + 3]);
    expect(transpose(b)).toEqual(a);
  });

  test('name wrong sizes', () => {
    expect(() => createMatrix(2, 2, [1])).toThrow('matrix: expected 2 x 2 = 4 values, got 1');
    expect(() => createMatrix(-1, 2)).toThrow('matrix: expected positive integer sizes, got -1 x 2');
    expect(() => createMatrix(1.5, 2)).toThrow('matrix: expected positive integer sizes, got 1.5 x 2');
    expect(() => createMatrix(Number.NaN, 2)).toThrow('matrix: expected positive integer sizes, got NaN x 2');
  });

  test('travel to tensors and back', async () => {
    const a = createMatrix(2, 3, [1, 2, 3, 4, 5, 6]);
    await expectNoLeak(() => {
      const tensor = tensorFromMatrix(a);
      expect([tensor.shape, tensor.dtype]).toEqual([[2, 3], 'float32']);
      expect(matrixFromTensor(tensor)).toEqual(a);
      tensor.dispose();
    });
    expect(() => matrixFromTensor(tf.zeros([2]) as tf.Tensor as tf.Tensor2D)).toThrow(
      'tensor: expected [rows, cols], got [2]',
    );
  });
});
