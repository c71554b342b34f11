import { checkGradient, expectNoLeak, readFixture, relativeError } from '@learngene/testing';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { withPlainKernels } from '../../test/register-plain';
import { type Packed, unpack, useNnBackend } from '../../test/setup';
import * as nn from '../index';

interface Case {
  inputs: Record<string, Packed>;
  output: Packed;
  dy: Packed;
  grads: Record<string, Packed>;
}

const { ops } = readFixture<{ ops: Record<string, Case> }>(import.meta.url, '../../fixtures/torch.json');

/** Each op over its fixture's inputs in their order, and the kernels of the seam that it uses. */
const functions: Record<string, { f: (...x: Tensor[]) => Tensor; kernels: string[] }> = {
  linear: {
    f: (x, w, b) => nn.linear(x, w as Tensor2D, b as Tensor1D),
    kernels: ['LearngeneColumnSums', 'LearngeneLinear', 'LearngeneLinearInputGrad', 'LearngeneLinearWeightGrad'],
  },
  layerNorm: {
    f: (x, weight, bias) => nn.layerNorm(x, { weight: weight as Tensor1D, bias: bias as Tensor1D }),
    kernels: ['LearngeneLayerNorm', 'LearngeneLayerNormGrad'],
  },
  layerNormModulate: {
    f: (x, shift, scale) => nn.layerNormModulate(x as Tensor3D, shift as Tensor2D, scale as Tensor2D),
    kernels: ['LearngeneLayerNormModulate', 'LearngeneLayerNormModulateGrad'],
  },
  gatedResidual: {
    f: (x, gate, y) => nn.gatedResidual(x as Tensor3D, gate as Tensor2D, y as Tensor3D),
    kernels: ['LearngeneGatedResidual', 'LearngeneGatedResidualGrad'],
  },
  gelu: { f: (x) => nn.gelu(tf.mul(x, 3)), kernels: ['LearngeneGelu', 'LearngeneGeluGrad'] },
  silu: { f: (x) => nn.silu(tf.mul(x, 3)), kernels: ['LearngeneSilu', 'LearngeneSiluGrad'] },
  attention: {
    f: (q, k, v) => nn.attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads: 2 }),
    kernels: ['LearngeneAttention', 'LearngeneAttentionGrad'],
  },
  crossAttention: {
    f: (q, k, v) => nn.attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads: 2 }),
    kernels: ['LearngeneAttention', 'LearngeneAttentionGrad'],
  },
  lowRankLinear: {
    f: (x, u, s, v, b) => nn.lowRankLinear(x, u as Tensor2D, s as Tensor1D, v as Tensor2D, b as Tensor1D),
    kernels: ['LearngeneLowRankLinear'],
  },
};

function expectTorch(name: string): void {
  const fixture = ops[name];
  tf.tidy(() => {
    const inputs = Object.values(fixture.inputs).map(unpack);
    const dy = unpack(fixture.dy);
    const output = functions[name].f(...inputs);
    expect(output.shape).toEqual(fixture.output.shape);
    expect(relativeError(output, fixture.output.values)).toBeLessThan(1e-5);
    const { grads } = tf.engine().gradients(() => functions[name].f(...inputs), inputs, dy);
    Object.keys(fixture.inputs).forEach((key, i) => {
      expect(grads[i].shape).toEqual(fixture.grads[key].shape);
      expect(relativeError(grads[i], fixture.grads[key].values), `d ${key}`).toBeLessThan(1e-5);
    });
  });
}

beforeAll(useNnBackend);

describe.each(Object.keys(functions))('%s', (name) => {
  test('has the outputs and gradients of torch', () => expectTorch(name));

  test('has the gradients of finite differences', () => {
    checkGradient(functions[name].f, Object.values(ops[name].inputs).map(unpack));
  });

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
