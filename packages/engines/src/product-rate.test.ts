import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { productRate } from './product-rate';

test('is measured warm, over several products with one read-back, and leaves no tensor', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const products = vi.spyOn(tf.engine(), 'runKernel');
  const reads = vi.spyOn(tf.Tensor.prototype, 'data');
  const rate = await productRate(1);
  const multiplied = products.mock.calls.filter(([name]) => name === 'BatchMatMul').length;
  vi.restoreAllMocks();
  expect(rate).toBeGreaterThan(0);
  // One matrix size at least: a cold and a warm product, then three rounds of three products or more.
  expect(multiplied).toBeGreaterThanOrEqual(2 + 3 * 3);
  expect(multiplied - reads.mock.calls.length).toBeGreaterThanOrEqual(3 * 2);
  expect(tf.memory().numTensors).toBe(before);
});
