import { flattenParams, groupedLowRank, type LowRankFactors, valueAndGrad } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import type { FactoredParams } from '@learngene/tensor-svd';
import { checkGradient, expectClose, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { softLowRank } from './soft-low-rank';

beforeAll(useTestBackend);

const g = createGenerator(1);
const draw = (...shape: number[]) =>
  tf.tensor(
    normal(
      g,
      shape.reduce((a, b) => a * b),
    ),
    shape,
    'float32',
  );
const tailorOf = (out: number, width: number, rank: number) =>
  ({ u: draw(out, rank), s: draw(rank), v: draw(width, rank) }) as LowRankFactors;
const layerOf = (out: number, width: number, rank: number) =>
  ({ ...tailorOf(out, width, rank), bias: draw(out) }) as FactoredParams;

describe('softLowRank', () => {
  const x = () => draw(3, 2, 6) as tf.Tensor3D;

  test('with a one-hot alpha is the binary gate, gradients too', () => {
    const tree = { x: x(), f: layerOf(5, 6, 3), a: tailorOf(5, 6, 2), b: tailorOf(5, 6, 4) };
    const alpha = tf.tensor2d([1, 0, 0, 1, 0, 1], [3, 2]);
    const weights = draw(3, 2, 5);
    const loss = (y: tf.Tensor) => tf.sum(tf.mul(y, weights)) as tf.Scalar;
    const soft = valueAndGrad((p) => loss(softLowRank(p.x, p.f, { tailors: [p.a, p.b], alpha })), tree);
    const segments = (p: typeof tree) => [
      { start: 0, end: 1, factors: p.a },
      { start: 1, end: 3, factors: p.b },
    ];
    const binary = valueAndGrad((p) => loss(groupedLowRank(p.x, { common: p.f, segments: segments(p) })), tree);
    expectClose(soft.value, binary.value, { rtol: 1e-4 });
    const expected = flattenParams(binary.grads);
    for (const [name, grad] of flattenParams(soft.grads)) {
      expect(relativeError(grad, expected.get(name)!), name).toBeLessThan(1e-5);
    }
  });

  test('is linear in alpha, and agrees with finite differences', () => {
    const f = layerOf(3, 6, 2);
    const tailors = [tailorOf(3, 6, 1), undefined, tailorOf(3, 6, 2)];
    checkGradient(
      (input, alpha) => softLowRank(input as tf.Tensor3D, f, { tailors, alpha: alpha as tf.Tensor2D }),
      [x(), draw(3, 3)],
    );
  });

  test('without any tailor is the learngenes alone', () => {
    const f = layerOf(3, 6, 2);
    const input = x();
    const alone = softLowRank(input, f, { tailors: [undefined], alpha: tf.ones([3, 1]) });
    expectClose(alone, groupedLowRank(input, { common: f, segments: [] }));
  });
});
