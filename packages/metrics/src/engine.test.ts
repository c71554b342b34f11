import { createGenerator, normal } from '@learngene/random';
import { type Matrix, registerLinalg } from '@learngene/tensor-svd';
import { expectClose } from '@learngene/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { frechetDistance } from './frechet-distance';
import { createMoments, finishMoments, updateMoments } from './moments';
import type { MomentStatistics } from './types';

const DIMS = 160;
let calls = { cholesky: 0 };
let restore: () => void;

/** Cholesky as an engine has it, without pivoting. */
function cholesky({ rows: n, data }: Matrix): Matrix {
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = data[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i === j && !(sum > 0)) throw new Error(`not positive definite at ${i}`);
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j];
    }
  }
  calls.cholesky++;
  return { rows: n, cols: n, data: l };
}

function statistics(seed: number, count: number, grade: number): MomentStatistics {
  const x = normal(createGenerator(seed), count * DIMS);
  for (let i = 0; i < x.length; i++) x[i] *= grade ** -(i % DIMS);
  const moments = createMoments(DIMS);
  updateMoments(moments, x);
  return finishMoments(moments);
}

/** By the functions of an engine. */
function byEngine(a: MomentStatistics, b: MomentStatistics): number {
  restore = registerLinalg({ name: 'test', cholesky });
  try {
    return frechetDistance(a, b);
  } finally {
    restore();
  }
}

beforeEach(() => {
  calls = { cholesky: 0 };
  restore = registerLinalg({ name: 'js', cholesky: undefined });
});
afterEach(() => restore());

describe('the Fréchet distance by an engine is that of plain JavaScript', () => {
  test.each<[string, number, number, number]>([
    ['of full rank', 400, 1, 2],
    ['of graded covariances', 400, 1.08, 2],
    ['of few vectors, whose covariances lose rank', 30, 1, 0],
  ])('%s', (_, count, grade, factored) => {
    const [a, b] = [statistics(1, count, grade), statistics(2, count + 9, grade)];
    const expected = frechetDistance(a, b);
    calls.cholesky = 0;
    expectClose(byEngine(a, b), expected, { rtol: 1e-10 });
    expect(calls.cholesky).toBe(factored);
    expect(byEngine(a, a)).toBeLessThan(1e-9);
  });
});

test('moments of large batches by an engine are those of plain JavaScript', () => {
  const expected = statistics(3, 800, 1);
  restore = registerLinalg({ name: 'test' });
  const found = statistics(3, 800, 1);
  expectClose(found.covariance, expected.covariance, { rtol: 1e-12, atol: 1e-14 });
  expectClose(found.mean, expected.mean, { rtol: 1e-12, atol: 1e-15 });
});
