import { expectNoLeak, readFixture, relativeError } from '@learngene/testing';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { withPlainKernels } from '../../test/register-plain';
import { type Packed, unpack, useNnBackend } from '../../test/setup';
import { type Conv2dOptions, conv2d, type GroupNormOptions, groupNorm } from '../index';

interface Case {
  inputs: Record<string, Packed>;
  output: Packed;
  dy: Packed;
  grads: Record<string, Packed>;
}

const { ops } = readFixture<{ ops: Record<string, Case> }>(import.meta.url, '../../fixtures/image.json');

const norm =
  (options: Omit<GroupNormOptions, 'weight' | 'bias'>) =>
  (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
    groupNorm(x as Tensor4D, { ...options, weight: weight as Tensor1D, bias: bias as Tensor1D });

const conv =
  (options: Conv2dOptions = {}) =>
  (x: Tensor, weight: Tensor, bias: Tensor, residual?: Tensor): Tensor => {
    const ends = { bias: bias as Tensor1D, ...(residual && { residual: residual as Tensor4D }) };
    return conv2d(x as Tensor4D, weight as Tensor4D, { ...options, ...ends });
  };

type Op = (x: Tensor, weight: Tensor, bias: Tensor, residual?: Tensor) => Tensor;

const NORM = ['LearngeneGroupNorm', 'LearngeneGroupNormGrad'];
const functions: Record<string, { f: Op; kernels: string[] }> = {
  groupNorm: { f: norm({ groups: 2 }), kernels: NORM },
  groupNormRelu: { f: norm({ groups: 3, eps: 1e-6, activation: 'relu' }), kernels: NORM },
  groupNormSilu: { f: norm({ groups: 1, activation: 'silu' }), kernels: NORM },
  conv2d: { f: conv(), kernels: ['LearngeneColumnSums', 'LearngeneConv2d'] },
  conv2dStride: { f: conv({ stride: 2 }), kernels: ['LearngeneColumnSums', 'LearngeneConv2d'] },
  conv2dResidual: { f: conv({ activation: 'relu' }), kernels: ['LearngeneConv2d', 'LearngeneReluGrad'] },
};

function expectTorch(name: string): void {
  const fixture = ops[name];
  tf.tidy(() => {
    const inputs = Object.values(fixture.inputs).map(unpack);
    const f = (): Tensor => functions[name].f(...(inputs as [Tensor, Tensor, Tensor]));
    const output = f();
    expect(output.shape).toEqual(fixture.output.shape);
    expect(relativeError(output, fixture.output.values)).toBeLessThan(1e-5);
    const { grads } = tf.engine().gradients(f, inputs, unpack(fixture.dy));
    Object.keys(fixture.inputs).forEach((key, i) => {
      expect(grads[i].shape).toEqual(fixture.grads[key].shape);
      expect(relativeError(grads[i], fixture.grads[key].values), `d ${key}`).toBeLessThan(1e-5);
    });
  });
}

beforeAll(useNnBackend);

describe.each(Object.keys(functions))('%s', (name) => {
  test('has the outputs and gradients of torch', () => expectTorch(name));

  test('leaks nothing', () => expectNoLeak(() => expectTorch(name)));

  test('calls the kernels of a backend that has them, with the same numbers', async () => {
    const backend = tf.getBackend();
    await tf.setBackend('cpu');
    try {
      expect(withPlainKernels(() => expectTorch(name))).toEqual(functions[name].kernels);
    } finally {
      await tf.setBackend(backend);
    }
  });
});

test('a residual of another shape is refused', () => {
  const [x, weight] = [tf.ones([1, 5, 4, 2]), tf.ones([3, 3, 2, 3])] as [Tensor4D, Tensor4D];
  const residual = tf.ones([1, 5, 4, 3]) as Tensor4D;
  expect(conv2d(x, weight, { residual }).shape).toEqual([1, 5, 4, 3]);
  expect(() => conv2d(x, weight, { residual, stride: 2 })).toThrow('residual: expected [1, 3, 2, 3], got [1, 5, 4, 3]');
});
