import { checkGradient, expectClose, expectNoLeak } from '@learngene/testing';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals, useNnBackend } from '../../test/setup';
import { linear, matmulNN, matmulNT, matmulTN } from '../index';

beforeAll(useNnBackend);

describe('matmul', () => {
  const random = normals(1);

  test('has the gradients of finite differences in 2-D and batches', () => {
    checkGradient(matmulNN, [random(2, 3), random(3, 4)]);
    checkGradient(matmulNT, [random(2, 3), random(4, 3)]);
    checkGradient(matmulTN, [random(3, 2), random(3, 4)]);
    checkGradient(matmulNN, [random(2, 2, 3), random(2, 3, 4)]);
    checkGradient(matmulNT, [random(2, 2, 3), random(2, 4, 3)]);
    checkGradient(matmulTN, [random(2, 3, 2), random(2, 3, 4)]);
  });

  // Sizes that take the blocked transpose, either order of the factors, and batches; with the fast product of
  // '@learngene/nn/wasm' and, on wasm, also without its mark.
  test.each([
    [[], 1024, 72, 64],
    [[], 1024, 64, 72],
    [[], 300, 40, 24],
    [[3], 32, 24, 40],
  ])('agrees with transposing first: batch %j, %i x %i x %i', async (batch, K, M, N) => {
    const flip = (x: tf.Tensor): tf.Tensor => tf.transpose(x, batch.length ? [0, 2, 1] : [1, 0]);
    const work = (): void =>
      tf.tidy(() => {
        const [a, b] = [random(...batch, K, M), random(...batch, K, N)];
        const expected = tf.matMul(flip(a), b);
        for (const actual of [matmulTN(a, b), matmulNN(flip(a), b), matmulNT(flip(a), flip(b))]) {
          expectClose(actual, expected, { rtol: 1e-4, atol: 1e-4 });
        }
      });
    await expectNoLeak(work);
    const mark = tf.getKernel('LearngeneFastMatMul', 'wasm');
    tf.unregisterKernel('LearngeneFastMatMul', 'wasm');
    try {
      await expectNoLeak(() => {
        work();
        const [x, weight, bias] = [random<tf.Rank.R2>(2, 3), random<tf.Rank.R2>(4, 3), random<tf.Rank.R1>(4)];
        const y = linear(x, weight, bias);
        tf.tidy(() => expectClose(y, tf.add(tf.matMul(x, weight, false, true), bias)));
        tf.dispose([x, weight, bias, y]);
      });
    } finally {
      tf.registerKernel(mark);
    }
  });

  test('says which shapes it wants', () => {
    expect(() => matmulNN(random(2, 3), random(2, 3))).toThrow('expected [M, K] and [K, N]');
    expect(() => matmulNT(random(2, 3), random(2, 4))).toThrow('expected [M, K] and [N, K]');
    expect(() => matmulTN(random(1, 2, 3), random(2, 2, 3))).toThrow('got [1, 2, 3] and [2, 2, 3]');
  });
});

describe('customOp', () => {
  test('does not compute the gradient of what needs none', () => {
    const random = normals(2);
    const [x, weight] = [random<tf.Rank.R2>(8, 4), random<tf.Rank.R2>(4, 4)];
    const products = (leaves: tf.Tensor[]): number =>
      productsOf(() => tf.tidy(() => void tf.engine().gradients(() => tf.sum(linear(x, weight as Tensor2D)), leaves)));
    expect(products([x, weight])).toBe(3);
    expect(products([weight])).toBe(2);
    expect(products([x])).toBe(2);
  });
});

/** Calls of kernels that multiply matrices. */
function productsOf(work: () => void): number {
  const backend = tf.getBackend();
  const names = ['BatchMatMul', 'LearngeneLinear', 'LearngeneLinearInputGrad', 'LearngeneLinearWeightGrad'];
  const kernels = names.map((name) => tf.getKernel(name, backend)).filter((kernel) => kernel != null);
  let calls = 0;
  const replace = (kernel: tf.KernelConfig): void => {
    tf.unregisterKernel(kernel.kernelName, backend);
    tf.registerKernel(kernel);
  };
  for (const kernel of kernels) {
    replace({
      ...kernel,
      kernelFunc: (args) => {
        calls++;
        return kernel.kernelFunc(args);
      },
    });
  }
  try {
    work();
  } finally {
    kernels.forEach(replace);
  }
  return calls;
}
