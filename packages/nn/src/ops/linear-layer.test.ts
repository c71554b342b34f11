import { createGenerator, uniform } from '@learngene/random';
import { expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals, useNnBackend } from '../../test/setup';
import {
  applyLinear,
  attention,
  disposeParams,
  initLinear,
  layerNorm,
  layerNormModulate,
  lowRankLinear,
} from '../index';

beforeAll(useNnBackend);

describe('initLinear', () => {
  const sizes = { in: 300, out: 100 };
  const spread = (x: tf.Tensor): number => tf.tidy(() => tf.moments(x).variance.dataSync()[0]);

  test('draws from the distribution asked for', () => {
    const g = createGenerator(1);
    expect(spread(initLinear(g, { ...sizes, init: 'xavier-uniform' }).weight)).toBeCloseTo(2 / 400, 3);
    expect(spread(initLinear(g, { ...sizes, init: { normal: 0.5 } }).weight)).toBeCloseTo(0.25, 1);
    expect(spread(initLinear(g, { ...sizes, init: 'zeros' }).weight)).toBe(0);
    const torch = initLinear(g, sizes);
    expect(spread(torch.weight)).toBeCloseTo(1 / 900, 4);
    expect(spread(torch.bias as tf.Tensor1D)).toBeCloseTo(1 / 900, 3);
    const widest = Math.max(...(torch.bias as tf.Tensor1D).dataSync().map(Math.abs));
    expect(widest).toBeLessThanOrEqual(1 / Math.sqrt(300));
    expect(initLinear(g, { ...sizes, bias: false }).bias).toBeUndefined();
  });

  test('draws what torch.nn.Linear draws: weight first, then bias', () => {
    const { weight, bias } = initLinear(createGenerator(5), { in: 4, out: 3 });
    const g = createGenerator(5);
    expect(weight.shape).toEqual([3, 4]);
    expectClose(weight, uniform(g, 12, { low: -0.5, high: 0.5 }), { rtol: 0, atol: 0 });
    expectClose(bias as tf.Tensor1D, uniform(g, 3, { low: -0.5, high: 0.5 }), { rtol: 0, atol: 0 });
  });

  test('leaks nothing', () =>
    expectNoLeak(() => {
      const params = initLinear(createGenerator(1), { in: 4, out: 3 });
      const x = tf.ones([2, 5, 4]);
      const y = applyLinear(params, x);
      expect(y.shape).toEqual([2, 5, 3]);
      disposeParams({ params, x, y });
    }));
});

describe('shape errors', () => {
  const random = normals(4);
  test('name the argument and both sides', () => {
    const params = { weight: random<tf.Rank.R2>(3, 4), bias: random<tf.Rank.R1>(2) };
    expect(() => applyLinear(params, random(2, 4))).toThrow('bias: expected [3], got [2]');
    expect(() => applyLinear({ weight: params.weight }, random(2, 5))).toThrow('x: expected [..., 4], got [2, 5]');
    expect(() => layerNorm(random(2, 4), { weight: random(3) })).toThrow('weight: expected [4], got [3]');
    expect(() => layerNormModulate(random(2, 3, 4), random(2, 4), random(1, 4))).toThrow(
      'scale: expected [2, 4], got [1, 4]',
    );
    expect(() => lowRankLinear(random(2, 4), random(3, 2), random(2), random(4, 1))).toThrow(
      'v: expected [in, 2], got [4, 1]',
    );
    const q = random<tf.Rank.R3>(1, 3, 4);
    expect(() => attention(q, q, random(1, 2, 4), { heads: 2 })).toThrow('v: expected [1, 3, 4], got [1, 2, 4]');
    expect(() => attention(q, q, q, { heads: 3 })).toThrow('heads: expected a divisor of 4, got 3');
  });
});
