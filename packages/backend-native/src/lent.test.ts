import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NATIVE, type NativeBackend, registerNativeBackend } from './index';
import { loadNative } from './native';

beforeAll(async () => {
  registerNativeBackend();
  await tf.setBackend(NATIVE);
});
afterEach(() => tf.disposeVariables());

const SIZES = { small: 48, large: 100_000 };

/** Queues work of some 20 ms, so that what is asked for next is surely not computed when it returns. */
function keepBusy(): void {
  tf.tidy(() => {
    const a = tf.fill([700, 700], 1e-3);
    for (let i = 0; i < 6; i++) tf.matMul(a, a);
  });
}

type Values = Float32Array | Int32Array | Uint8Array;

/** How an array gets into the hands of a kernel and of somebody else. */
const LENDERS: Record<string, (values: Values, dtype: tf.DataType) => { tensor: tf.Tensor; array: Values }> = {
  'the array that a tensor was made of': (values, dtype) => ({
    tensor: tf.tensor1d(values, dtype as 'int32'),
    array: values,
  }),
  'the array that dataSync gave': (values, dtype) => {
    const tensor = tf.tensor1d(values.slice(), dtype as 'int32');
    return { tensor, array: tensor.dataSync() as Values };
  },
  'the array that a computed tensor gave': (values, dtype) => {
    const tensor = tf.tidy(() => tf.cast(tf.add(tf.tensor1d(values.slice(), dtype as 'int32'), 0), dtype));
    return { tensor, array: tensor.dataSync() as Values };
  },
  'the array of a tensor of another backend': (values, dtype) => {
    tf.setBackend('cpu');
    const tensor = tf.tensor1d(values, dtype as 'int32');
    tf.setBackend(NATIVE);
    return { tensor, array: values };
  },
  'the array of another view': (values, dtype) => {
    const whole = tf.tensor1d(values, dtype as 'int32');
    return { tensor: tf.reshape(whole, [values.length, 1]), array: values };
  },
};

/** A kernel that computes later, of every type of values, and what it makes of 1 and of 0. */
const READERS: Record<
  string,
  { dtype: tf.DataType; make: (n: number) => Values; read: (t: tf.Tensor) => tf.Tensor; one: number }
> = {
  float32: { dtype: 'float32', make: (n) => new Float32Array(n).fill(1), read: (t) => tf.mul(t, 2), one: 2 },
  int32: {
    dtype: 'int32',
    make: (n) => new Int32Array(n).fill(1),
    read: (t) => tf.gather(tf.tensor2d([3, 5], [2, 1]), tf.reshape(t, [-1]) as tf.Tensor1D),
    one: 5,
  },
  bool: { dtype: 'bool', make: (n) => new Uint8Array(n).fill(1), read: (t) => tf.logicalAnd(t, t), one: 1 },
};

describe.each(Object.keys(LENDERS))('%s', (lender) => {
  for (const [name, { dtype, make, read, one }] of Object.entries(READERS)) {
    for (const [size, n] of Object.entries(SIZES)) {
      test(`may be used for something else after a kernel was given it: ${size}, ${name}`, () => {
        const { tensor, array } = LENDERS[lender](make(n), dtype);
        keepBusy();
        const result = read(tensor);
        array.fill(0);
        expect(new Set(result.dataSync())).toEqual(new Set([one]));
        tf.dispose([tensor, result]);
      });
    }
  }
});

test.each(Object.entries(SIZES))('may be given to another thread after a kernel was given it: %s', (_, n) => {
  const values = new Float32Array(n).fill(1);
  const tensor = tf.tensor1d(values);
  keepBusy();
  const result = tf.mul(tensor, 2);
  structuredClone(values, { transfer: [values.buffer] });
  expect(values.length).toBe(0);
  for (let i = 0; i < 20; i++) new Float32Array(n).fill(7);
  expect(new Set(result.dataSync())).toEqual(new Set([2]));
  tf.dispose([tensor, result]);
});

test('parts of a lent array are read before a product of many matrices returns', () => {
  const values = new Float32Array(3 * 5 * 64 * 64).fill(1);
  const left = tf.tensor4d(values, [3, 5, 64, 64]);
  const right = tf.ones([3, 1, 64, 64]);
  keepBusy();
  const product = tf.matMul(left, right);
  values.fill(0);
  expect(new Set(product.dataSync())).toEqual(new Set([64]));
  tf.dispose([left, right, product]);
});

test('a kernel that reads nothing lent is not waited for', () => {
  const calls: string[] = [];
  const backend = tf.backend() as NativeBackend;
  const finish = backend.finish.bind(backend);
  const a = tf.fill([200_000], 1);
  const scale = tf.scalar(2);
  backend.finish = () => {
    calls.push('finish');
    finish();
  };
  try {
    const b = tf.mul(a, scale);
    expect(calls).toEqual([]);
    const c = tf.add(b, tf.tensor1d(new Float32Array(200_000)));
    expect(calls).toEqual(['finish']);
    tf.dispose([b, c]);
  } finally {
    Reflect.deleteProperty(backend, 'finish');
  }
  tf.dispose([a, scale]);
});

test('who calls the addon itself gets results at once', () => {
  const addon = loadNative();
  keepBusy();
  const [a, b] = [new Float32Array(4).fill(2), new Float32Array(4).fill(3)];
  const c = new Float32Array(4);
  addon.gemm(2, 2, 2, 0, a, b, c, undefined, 0);
  expect([...c]).toEqual([12, 12, 12, 12]);
});

test('a checkpoint that is read while training goes on has the values of its step', () => {
  const w = tf.variable(tf.fill([300, 300], 1));
  keepBusy();
  w.assign(tf.add(w, 1));
  const read = w.dataSync();
  w.assign(tf.add(w, 1));
  expect(new Set(read)).toEqual(new Set([2]));
  expect(new Set(w.dataSync())).toEqual(new Set([3]));
});
