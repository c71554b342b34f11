import { useDeviceBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import { canReadSync, prefetch, ReadBackError, readingBack, readSync } from './index';

describe('reading back on the backend of the tests', () => {
  beforeAll(useNnBackend);

  test('reads what an op made, once it is prefetched', async () => {
    const x = tf.square(tf.tensor1d([1, 2, 3]));
    if (tf.getBackend() !== 'webgpu') expect(Array.from(readSync(x))).toEqual([1, 4, 9]);
    await prefetch(x);
    expect(canReadSync(x)).toBe(true);
    expect(Array.from(readSync(x))).toEqual([1, 4, 9]);
  });
});

test('starts no engine that is registered and does not run, as in a page that imports them all', async ({ skip }) => {
  if (tf.findBackendFactory('webgpu') !== null) skip('webgpu runs the tests');
  await tf.setBackend('cpu');
  let starts = 0;
  tf.registerBackend('webgpu', () => {
    starts++;
    return Promise.reject(new Error('no GPU here'));
  });
  const y = tf.square(tf.tensor1d([2]));
  expect(canReadSync(y)).toBe(true);
  await prefetch(y);
  expect(Array.from(readSync(y))).toEqual([4]);
  expect(starts).toBe(0);
  tf.removeBackend('webgpu');
});

describe('reading back from a device', () => {
  beforeAll(useDeviceBackend);

  test('reads numbers of the host at once, and what an op made or took after prefetch alone', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    expect(canReadSync(x)).toBe(true);
    expect(Array.from(readSync(tf.reshape(x, [3, 1])))).toEqual([1, 2, 3]);
    const y = tf.square(x);
    expect([canReadSync(x), canReadSync(y)]).toEqual([false, false]);
    expect(() => readSync(y)).toThrow(new ReadBackError());
    await prefetch({ x, deep: { y, none: undefined } });
    expect([Array.from(readSync(x)), Array.from(readSync(y))]).toEqual([
      [1, 2, 3],
      [1, 4, 9],
    ]);
  });

  test('names the async form of the outermost function, and passes other errors on', () => {
    const y = tf.square(tf.tensor1d([1, 2, 3]));
    const inner = () => readingBack('inner', () => readSync(y));
    expect(inner).toThrow('inner reads tensors back, which WebGPU can only do asynchronously: call innerAsync');
    expect(() => readingBack('outer', inner)).toThrow('call outerAsync and await it');
    const other = () => {
      throw new RangeError('other');
    };
    expect(() => readingBack('outer', other)).toThrow(new RangeError('other'));
  });

  test('reads a tensor of another backend where that backend can', async () => {
    const y = tf.square(tf.tensor1d([2]));
    await tf.setBackend('cpu');
    const z = tf.square(tf.tensor1d([3]));
    expect([canReadSync(y), canReadSync(z)]).toEqual([false, true]);
  });
});
