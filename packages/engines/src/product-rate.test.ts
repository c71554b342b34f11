import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { productRate } from './product-rate';

/** GFLOP/s of the pretended engine, and the seconds that a read-back takes on it. */
const SPEED = 2;
const READ_SECONDS = 0.003;

test('is measured warm, over several products with one read-back, and leaves no tensor', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  // A clock that only products and read-backs move; the first product of each size takes ten times as long.
  let now = 0;
  const seen = new Set<number>();
  const sizes: number[] = [];
  vi.spyOn(performance, 'now').mockImplementation(() => now * 1000);
  const engine = tf.engine();
  const { runKernel } = engine;
  vi.spyOn(engine, 'runKernel').mockImplementation((name, inputs, attributes) => {
    if (name !== 'BatchMatMul') return runKernel.call(engine, name, inputs, attributes);
    const [rows, columns] = (inputs.a as tf.Tensor).shape.slice(-2);
    sizes.push(rows);
    now += ((2 * rows * rows * columns) / (SPEED * 1e9)) * (seen.has(rows) ? 1 : 10);
    seen.add(rows);
    return tf.zeros((inputs.a as tf.Tensor).shape);
  });
  const { data } = tf.Tensor.prototype;
  let reads = 0;
  vi.spyOn(tf.Tensor.prototype, 'data').mockImplementation(function (this: tf.Tensor) {
    reads++;
    now += READ_SECONDS;
    return data.call(this);
  } as typeof data);
  const rate = await productRate(500).finally(() => vi.restoreAllMocks());
  // 256 rows take 16.8 ms, which is long enough; six products make a round of 100 ms.
  const one = (2 * 256 ** 3) / (SPEED * 1e9);
  const count = Math.ceil(0.1 / (one + READ_SECONDS));
  expect(rate).toBeCloseTo((SPEED * count * one) / (count * one + READ_SECONDS), 9);
  const rounds = Math.ceil(0.5 / (count * one + READ_SECONDS));
  expect(sizes).toEqual(new Array(2 + rounds * count).fill(256));
  expect(reads).toBe(2 + rounds);
  expect(tf.memory().numTensors).toBe(before);
});

test('on this machine it is a rate that a processor may have', async () => {
  await tf.setBackend('cpu');
  const rate = await productRate(1);
  expect(rate).toBeGreaterThan(0.01);
  expect(rate).toBeLessThan(1e5);
});
