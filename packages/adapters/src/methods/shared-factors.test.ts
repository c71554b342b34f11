import { createGenerator, normal } from '@learngene/random';
import { createMatrix, type Matrix, matmul, transpose } from '@learngene/tensor-svd';
import { relativeError, useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { sharedFactors } from './shared-factors';

beforeAll(useTestBackend);

const random = (rows: number, cols: number, seed: number) =>
  createMatrix(rows, cols, normal(createGenerator(seed), rows * cols));

describe('sharedFactors', () => {
  const rebuilt = ({ u, v }: { u: Matrix; v: Matrix }, s: Float64Array) =>
    matmul({ ...u, data: u.data.map((value, i) => value * s[i % u.cols]) }, transpose(v));
  const errorOf = (weights: Matrix[], rank: number, sweeps: number) => {
    const factors = sharedFactors(weights, { rank, sweeps });
    const parts = weights.map((w, l) => relativeError(rebuilt(factors, factors.s[l]).data, w.data) ** 2);
    return parts.reduce((a, b) => a + b, 0);
  };

  test('finds factors that several matrices share', () => {
    const [u, v] = [random(9, 3, 1), random(7, 3, 2)];
    const weights = [
      [3, 1, 2],
      [1, 2, -1],
      [2, -3, 1],
    ].map((s) => rebuilt({ u, v }, Float64Array.from(s)));
    expect(errorOf(weights, 3, 400)).toBeLessThan(1e-6);
  });

  test('every sweep lowers the error or leaves it', () => {
    const weights = [1, 2, 3].map((seed) => random(6, 8, seed));
    const total = (sweeps: number) => {
      const factors = sharedFactors(weights, { rank: 4, sweeps });
      const off = weights.map((w, l) => {
        const { data } = rebuilt(factors, factors.s[l]);
        return data.reduce((sum, value, i) => sum + (value - w.data[i]) ** 2, 0);
      });
      return off.reduce((a, b) => a + b, 0);
    };
    const errors = [0, 1, 2, 3, 6, 12].map(total);
    for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThanOrEqual(errors[i - 1] * (1 + 1e-12));
  });

  test('is exact for one matrix of full rank', () => {
    expect(errorOf([random(5, 8, 4)], 5, 1)).toBeLessThan(1e-20);
  });
});
