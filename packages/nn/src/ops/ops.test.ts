import { createGenerator, normal } from '@learngene/random';
import { checkGradient, expectClose, useTestBackend } from '@learngene/testing';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import * as nn from '../index';

const g = createGenerator(0);
const random = (...shape: number[]) => tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape);

describe('gradients against finite differences', () => {
  beforeAll(useTestBackend);
  it('matmul', () => {
    checkGradient((a, b) => nn.matmulNN(a, b), [random(2, 3), random(3, 4)]);
    checkGradient((a, b) => nn.matmulNT(a, b), [random(2, 2, 3), random(2, 4, 3)]);
    checkGradient((a, b) => nn.matmulTN(a, b), [random(2, 3, 2), random(2, 3, 4)]);
  });
  it('linear', () => {
    checkGradient((x, w, b) => nn.linear(x, w as Tensor2D, b as Tensor1D), [random(2, 3, 4), random(5, 4), random(5)]);
    checkGradient((x, w) => nn.linear(x, w as Tensor2D), [random(3, 4), random(5, 4)]);
  });
  it('lowRankLinear', () => {
    checkGradient(
      (x, u, s, v, b) => nn.lowRankLinear(x, u as Tensor2D, s as Tensor1D, v as Tensor2D, b as Tensor1D),
      [random(2, 3, 4), random(5, 2), random(2), random(4, 2), random(5)],
    );
  });
  it('attention', () => {
    checkGradient(
      (q, k, v) => nn.attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { heads: 2 }),
      [random(2, 3, 4), random(2, 5, 4), random(2, 5, 4)],
    );
  });
  it('layerNorm', () => {
    checkGradient(
      (x, w, b) => nn.layerNorm(x, { weight: w as Tensor1D, bias: b as Tensor1D }),
      [random(2, 3, 6), random(6), random(6)],
    );
    checkGradient((x) => nn.layerNorm(x), [random(3, 6)]);
    checkGradient(
      (x, a, b) => nn.layerNormModulate(x as Tensor3D, a as Tensor2D, b as Tensor2D),
      [random(2, 3, 6), random(2, 6), random(2, 6)],
    );
  });
  it('gatedResidual, silu, gelu', () => {
    checkGradient(
      (x, gate, y) => nn.gatedResidual(x as Tensor3D, gate as Tensor2D, y as Tensor3D),
      [random(2, 3, 4), random(2, 4), random(2, 3, 4)],
    );
    checkGradient((x) => nn.silu(x), [random(10)]);
    checkGradient((x) => nn.gelu(x), [random(10)]);
  });
  it('valueAndGrad and adamW', () => {
    const params = { a: { w: random(3) }, b: random(2) };
    const { value, grads } = nn.valueAndGrad((p) => tf.sum(tf.square(p.a.w)) as tf.Scalar, params);
    expectClose(value, tf.sum(tf.square(params.a.w)));
    expectClose(grads.a.w, tf.mul(params.a.w, 2));
    const next = nn.adamWStep({ params, grads, state: nn.initAdamW(params) }, { learningRate: 0.1, weightDecay: 0 });
    expectClose(tf.abs(tf.sub(next.params.a.w, params.a.w)), [0.1, 0.1, 0.1]);
  });
});
