import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { NATIVE, type NativeBackend, registerNativeBackend } from './index';

const pool = () => (tf.backend() as NativeBackend).memory().pool;

beforeAll(async () => {
  registerNativeBackend();
  registerNativeBackend();
  await tf.setBackend(NATIVE);
});

describe('the pool of buffers', () => {
  test('a disposed output is used again, and nothing is allocated in the steady state', () => {
    const a = tf.ones([300, 7]);
    const step = () => tf.tidy(() => tf.sum(tf.add(tf.add(a, a), a)).dataSync()[0]);
    step();
    const { allocations, usedBytes } = pool();
    for (let i = 0; i < 50; i++) expect(step()).toBe(6300);
    expect(pool().allocations).toBeLessThanOrEqual(allocations + 50); // the scalar that is read leaves the pool
    expect(pool().usedBytes).toBe(usedBytes);
    a.dispose();
  });
  test('an array that was handed out is never written again', () => {
    const a = tf.fill([64], 1);
    const sum = tf.add(a, a);
    const values = sum.dataSync();
    sum.dispose();
    for (let i = 0; i < 4; i++) tf.dispose([tf.add(a, a), tf.add(a, 1)]);
    expect([...values]).toEqual(Array(64).fill(2));
  });
  test('a view that a cpu kernel makes keeps its buffer', () => {
    const a = tf.fill([8, 4], 3);
    const sum = tf.add(a, a);
    const rows = tf.slice(sum, [2, 0], [3, 4]);
    sum.dispose();
    const other = tf.add(a, a);
    expect([...rows.dataSync()]).toEqual(Array(12).fill(6));
    tf.dispose([a, rows, other]);
  });
  test("the caller's array is neither copied nor written", () => {
    const values = new Float32Array([1, 2, 3]);
    const a = tf.tensor1d(values);
    tf.dispose([tf.add(a, a), a]);
    tf.tidy(() => tf.add(tf.fill([3], 9), tf.fill([3], 1)));
    expect([...values]).toEqual([1, 2, 3]);
  });
  test('reshapes share, and the buffer goes back with the last of them', () => {
    const a = tf.fill([6], 1);
    const sum = tf.add(a, a);
    const used = pool().usedBytes;
    const matrix = tf.reshape(sum, [2, 3]);
    sum.dispose();
    expect(pool().usedBytes).toBe(used);
    expect([...tf.add(matrix, matrix).dataSync()]).toEqual(Array(6).fill(4));
    matrix.dispose();
    expect(pool().usedBytes).toBeLessThan(used);
  });
});

test('tensors move to the cpu backend and back', async () => {
  const a = tf.add(tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 1, 1]));
  await tf.setBackend('cpu');
  const b = tf.mul(a, 2);
  await tf.setBackend(NATIVE);
  expect([...tf.add(b, a).dataSync()]).toEqual([6, 9, 12]);
});
