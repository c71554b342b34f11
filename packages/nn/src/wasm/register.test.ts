import { createGenerator, normal } from '@learngene/random';
import { expectClose, expectNoLeak } from '@learngene/testing';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { adamWStep, initAdamW } from '../adamw';
import { globalNorm } from '../clip';
import { updateEma } from '../ema';
import { registerGradients } from '../gradients';
import { flattenParams, type ParamTree } from '../tree';
import { registerWasmTrainingKernels } from '../wasm';
import { canMultiply } from './gemm';
import { normalizeLines } from './reduce';

interface Case {
  name: string;
  shapes: number[][];
  f: (...xs: tf.Tensor[]) => tf.Tensor;
  forwardOnly?: boolean;
}

const indices = new Int32Array([2, 0, 1, 1]);
const cases: Case[] = [
  { name: 'gather', shapes: [[3, 4]], f: (x) => tf.gather(x, tf.tensor1d(indices, 'int32')) },
  {
    // The gradient that tfjs-core has for batchDims needs its chained ops, which nothing here registers.
    name: 'gather with batchDims on rank 3',
    forwardOnly: true,
    shapes: [[2, 3, 4]],
    f: (x) => tf.gather(x, tf.tensor2d(indices, [2, 2], 'int32'), 1, 1),
  },
  {
    name: 'conv2d',
    shapes: [
      [1, 5, 5, 2],
      [3, 3, 2, 3],
    ],
    f: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same'),
  },
  {
    name: 'depthwiseConv2d',
    shapes: [
      [1, 5, 5, 2],
      [3, 3, 2, 2],
    ],
    f: (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
  },
  { name: 'maxPool', shapes: [[1, 4, 6, 2]], f: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same') },
  {
    name: 'conv3d',
    shapes: [
      [1, 3, 4, 4, 2],
      [2, 2, 2, 2, 3],
    ],
    f: (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same'),
  },
  { name: 'slice of rows', shapes: [[5, 3, 2]], f: (x) => tf.slice(x, [1, 0, 0], [3, 3, 2]) },
  { name: 'slice of one row', shapes: [[5, 4]], f: (x) => tf.slice(x, [2, 1], [1, 2]) },
  { name: 'slice of columns', shapes: [[5, 4]], f: (x) => tf.slice(x, [0, 1], [5, 2]) },
  {
    name: 'batched matMul',
    shapes: [
      [3, 20, 24],
      [3, 24, 28],
    ],
    f: (a, b) => tf.matMul(a, b),
  },
];

function run({ shapes, f, forwardOnly }: Case): number[][] {
  return tf.tidy(() => {
    const g = createGenerator(7);
    const inputs = shapes.map((shape) => tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape));
    const weigh = (y: tf.Tensor) => {
      const w = tf.tensor(normal(createGenerator(8), y.size), y.shape);
      return tf.sum(tf.mul(y, w)) as tf.Scalar;
    };
    if (forwardOnly) return [Array.from(f(...inputs).dataSync())];
    const { grads } = tf.engine().gradients(() => weigh(f(...inputs)), inputs);
    return [f(...inputs), ...grads].map((tensor) => Array.from(tensor.dataSync()));
  });
}

describe('registerWasmTrainingKernels', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm'); // the other tests of this package register first
    registerWasmTrainingKernels();
    registerGradients();
  });

  test.each(cases)('$name: result and gradients as on cpu, no leak', async (test) => {
    await tf.setBackend('cpu');
    const expected = run(test);
    await tf.setBackend('wasm');
    const actual = run(test);
    expected.forEach((values, i) => {
      expectClose(actual[i], values, { rtol: 1e-5, atol: 1e-5 });
    });
    await expectNoLeak(() => void run(test));
  });

  test('AdamW, EMA and the global norm as their composites on cpu, no leak', async () => {
    const shapes = [[3, 4], [5], [2, 2, 2], []];
    const optimise = () =>
      tf.tidy(() => {
        const g = createGenerator(3);
        const tree = (): ParamTree =>
          Object.fromEntries(
            shapes.map((shape, i) => [`p${i}`, tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape)]),
          );
        const [params, grads] = [tree(), tree()];
        const options = { learningRate: 0.1, weightDecay: 0.3 };
        const first = adamWStep({ params, grads, state: initAdamW(params) }, options);
        const second = adamWStep({ params: first.params, grads, state: first.state }, options);
        const results = [second.params, second.state.m, second.state.v, updateEma(params, second.params, 0.9)];
        const leaves = results.flatMap((result) => [...flattenParams(result).values()]);
        return [...leaves, globalNorm(grads), globalNorm({})].map((tensor) => Array.from(tensor.dataSync()));
      });
    await tf.setBackend('cpu');
    const expected = optimise();
    await tf.setBackend('wasm');
    optimise().forEach((values, i) => {
      expectClose(values, expected[i], { rtol: 1e-5, atol: 1e-6 });
    });
    await expectNoLeak(() => void optimise());
  });

  test('einsum', async () => {
    await tf.setBackend('wasm');
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    expectClose(tf.einsum('ij,jk->ki', a, a), [7, 15, 10, 22]);
  });

  test('slices every dtype', async () => {
    await tf.setBackend('wasm');
    expectClose(tf.slice(tf.tensor1d([1, 2, 3], 'int32'), 1, 2), [2, 3]);
    expectClose(tf.slice(tf.tensor1d([true, false, true], 'bool'), 1, 2), [0, 1]);
    expect(tf.slice(tf.tensor1d(['a', 'b', 'c']), 1, 2).arraySync()).toEqual(['b', 'c']);
  });

  test('has the gradients of convolutions of all shapes as cpu has, and where the heap cannot be shared, no leak', async () => {
    await tf.setBackend('wasm');
    const backend = tf.backend() as tf.KernelBackend & { wasm: object };
    const twin = Object.create(backend, {
      wasm: { value: Object.create(backend.wasm, { asm: { value: undefined } }) },
    });
    type Pad = number | 'same' | 'valid' | [number, number][];
    const uneven: Pad = [
      [0, 0],
      [0, 1],
      [2, 0],
      [0, 0],
    ];
    const shapes: [image: number[], filter: number[], strides: [number, number], pad: Pad][] = [
      [[2, 7, 5, 3], [3, 3, 3, 4], [1, 1], 1],
      [[2, 8, 6, 3], [3, 3, 3, 4], [2, 2], uneven],
      [[1, 5, 9, 2], [2, 5, 2, 3], [2, 3], 'same'],
      [[3, 4, 4, 5], [1, 1, 5, 6], [1, 1], 0],
      [[1, 6, 6, 5], [1, 1, 5, 2], [2, 2], 'valid'],
      [[1, 2, 2, 1], [3, 3, 1, 1], [1, 1], 4], // patches of padding alone
      [[1, 70, 71, 24], [3, 3, 24, 1], [1, 1], 1], // more patches than lie in memory at once
      [[1, 80, 82, 160], [1, 1, 160, 1], [1, 1], 0], // more rows than are summed at once
    ];
    for (const [imageShape, filterShape, strides, pad] of shapes) {
      const images = normal(createGenerator(1), tf.util.sizeFromShape(imageShape));
      const filters = normal(createGenerator(2), tf.util.sizeFromShape(filterShape));
      const attrs = { strides, pad, dataFormat: 'NHWC', inputShape: imageShape, filterShape } as tf.NamedAttrMap;
      const gradients = (on: tf.KernelBackend): Float32Array[] =>
        tf.tidy(() => {
          const [x, filter] = [tf.tensor4d(images, imageShape as never), tf.tensor4d(filters, filterShape as never)];
          const { shape } = tf.conv2d(x, filter, strides, pad as 'same');
          const dy = tf.tensor4d(normal(createGenerator(3), tf.util.sizeFromShape(shape)), shape);
          return [['Conv2DBackpropFilter', { x, dy }] as const, ['Conv2DBackpropInput', { dy, filter }] as const].map(
            ([name, inputs]) => {
              const { kernelFunc } = tf.getKernel(name, tf.getBackend());
              const info = kernelFunc({ inputs, attrs, backend: on }) as tf.TensorInfo;
              return tf.engine().makeTensorFromTensorInfo(info).dataSync<'float32'>();
            },
          );
        });
      await tf.setBackend('cpu');
      const expected = gradients(tf.backend());
      await tf.setBackend('wasm');
      for (const on of imageShape === shapes[0][0] ? [backend, twin] : [backend]) {
        gradients(on).forEach((values, i) => {
          const largest = expected[i].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expectClose(values, expected[i], { rtol: 0, atol: 2e-6 * largest });
        });
      }
      await expectNoLeak(() => void gradients(backend));
    }
  });

  test('multiplies where the heap cannot be shared', async () => {
    await tf.setBackend('wasm');
    const backend = tf.backend() as unknown as { wasm: { asm?: object } };
    const { asm } = backend.wasm;
    const twin = Object.create(backend, {
      wasm: { value: Object.create(backend.wasm, { asm: { value: undefined } }) },
    });
    expect(canMultiply(backend as unknown as BackendWasm)).toBe(true);
    expect(canMultiply(twin)).toBe(false);
    expect(canMultiply(Object.create(backend, { wasm: { value: { asm: { memory: {} } } } }))).toBe(false);
    const a = tf.tensor3d(normal(createGenerator(1), 2 * 12 * 5), [2, 12, 5]);
    const b = tf.tensor3d(normal(createGenerator(2), 2 * 7 * 12), [2, 7, 12]);
    const attrs = { transposeA: true, transposeB: true };
    const { kernelFunc } = tf.getKernel('BatchMatMul', 'wasm');
    const out = kernelFunc({ inputs: { a, b }, attrs, backend: twin }) as tf.TensorInfo;
    const values = tf.engine().makeTensorFromTensorInfo(out);
    expectClose(values, tf.matMul(a, b, true, true));
    expect(backend.wasm.asm).toBe(asm);
  });

  test('multiplies all shapes as cpu does', async () => {
    const [inner, outer] = [
      [1, 3, 16, 257, 520],
      [1, 4, 7, 8, 33],
    ];
    for (const K of inner)
      for (const M of outer)
        for (const N of [1, 8, 13])
          for (const [tA, tB] of [
            [false, false],
            [true, false],
            [false, true],
            [true, true],
          ]) {
            const product = (): number[] =>
              tf.tidy(() => {
                const a = tf.tensor2d(normal(createGenerator(1), M * K), tA ? [K, M] : [M, K]);
                const b = tf.tensor2d(normal(createGenerator(2), N * K), tB ? [N, K] : [K, N]);
                return Array.from(tf.matMul(a, b, tA, tB).dataSync());
              });
            await tf.setBackend('cpu');
            const expected = product();
            await tf.setBackend('wasm');
            expectClose(product(), expected, { rtol: 1e-4, atol: 1e-4 });
          }
  });

  test('sums all shapes as cpu does, compiled and where the heap cannot be shared, no leak', async () => {
    await tf.setBackend('wasm');
    const backend = tf.backend() as unknown as { wasm: object };
    const twin = Object.create(backend, {
      wasm: { value: Object.create(backend.wasm, { asm: { value: undefined } }) },
    });
    for (const [outer, count, inner] of [
      [1, 1, 1],
      [3, 7, 1],
      [2, 33, 5],
      [1, 9, 16],
      [2, 6, 19],
      [3, 4, 50],
    ]) {
      for (const axis of [[1], [0, 2], [0, 1, 2], [2]]) {
        const x = normal(createGenerator(1), outer * count * inner);
        const shape = [outer, count, inner];
        await tf.setBackend('cpu');
        const expected = [tf.sum(tf.tensor(x, shape), axis), tf.mean(tf.tensor(x, shape), axis)].map((y) =>
          y.dataSync(),
        );
        await tf.setBackend('wasm');
        const input = tf.tensor(x, shape);
        for (const [i, name] of ['Sum', 'Mean'].entries()) {
          const { kernelFunc } = tf.getKernel(name, 'wasm');
          for (const on of [backend, twin]) {
            const info = kernelFunc({
              inputs: { x: input },
              attrs: { axis, keepDims: false },
              backend: on,
            }) as tf.TensorInfo;
            const y = tf.engine().makeTensorFromTensorInfo(info);
            expectClose(y, expected[i], { rtol: 2e-6, atol: 2e-6 });
            y.dispose();
          }
        }
        await expectNoLeak(() => void tf.sum(input, axis).dispose());
        input.dispose();
      }
    }
    const lines = new Float32Array(2 * 1030).fill(0.5);
    normalizeLines(lines, 1030);
    expectClose(lines, new Float32Array(2060).fill(1 / 1030));
  });

  test('is idempotent and keeps the error of mismatched products', async () => {
    await tf.setBackend('wasm');
    const kernel = tf.getKernel('BatchMatMul', 'wasm');
    registerWasmTrainingKernels();
    registerGradients();
    expect(tf.getKernel('BatchMatMul', 'wasm')).toBe(kernel);
    expect(() => tf.matMul(tf.ones([2, 30, 30]), tf.ones([2, 31, 30]))).toThrow(/inner/i);
    expectClose(tf.matMul(tf.ones([2, 30, 30]), tf.ones([1, 30, 30])), new Float32Array(1800).fill(30));
  });
});
