import { createGenerator, normal } from '@learngene/random';
import { checkGradient, expectClose, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { cayley, skewMatrices } from './cayley';

beforeAll(useTestBackend);

const entries = (n: number, b: number, std: number, seed = 1) =>
  tf.tensor2d(normal(createGenerator(seed), (n * b * (b - 1)) / 2, { std }), [n, (b * (b - 1)) / 2]);

const eye = (n: number, b: number) => tf.tile(tf.reshape(tf.eye(b), [1, b, b]), [n, 1, 1]);

describe('skewMatrices', () => {
  test('puts the entries above the diagonal row by row', () => {
    tf.tidy(() => {
      const Q = skewMatrices(tf.tensor2d([[1, 2, 3]]), 3);
      expectClose(Q, [0, 1, 2, -1, 0, 3, -2, -3, 0]);
    });
  });

  test('has the right gradient', () => {
    tf.tidy(() => checkGradient((x) => skewMatrices(x as tf.Tensor2D, 4), [entries(2, 4, 1)]) as never);
  });
});

describe('cayley', () => {
  test('exact is orthogonal for any skew-symmetric matrix', () => {
    const cases = fc.record({
      b: fc.integer({ min: 2, max: 9 }),
      std: fc.constantFrom(1e-3, 1, 30),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(cases, ({ b, std, seed }) => {
        tf.tidy(() => {
          const R = cayley(skewMatrices(entries(2, b, std, seed), b), 'exact');
          expectClose(tf.matMul(R, R, false, true), eye(2, b), { atol: 1e-5 });
        });
      }),
      { numRuns: 40 },
    );
  });

  test('the series comes to the transpose of the exact form, faster with more terms', () => {
    tf.tidy(() => {
      const Q = skewMatrices(entries(1, 4, 0.1), 4);
      const exact = tf.transpose(cayley(Q, 'exact'), [0, 2, 1]);
      const errors = [2, 4, 6, 10].map((terms) => relativeError(cayley(Q, terms), exact));
      for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThan(errors[i - 1] / 2);
    });
  });

  test.each(['exact', 2, 3, 5] as const)('%s has the right gradient', (form) => {
    tf.tidy(() => {
      checkGradient((x) => cayley(skewMatrices(x as tf.Tensor2D, 4), form), [entries(2, 4, 0.5)]);
    });
  });
});
