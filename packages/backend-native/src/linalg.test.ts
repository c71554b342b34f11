import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostMatrix } from './index';
import { nativeLinalg } from './index';

const native = nativeLinalg();
const matrix = (rows: number, cols: number, of: (i: number, j: number) => number): HostMatrix => ({
  rows,
  cols,
  data: Float64Array.from({ length: rows * cols }, (_, at) => of(Math.floor(at / cols), at % cols)),
});
const at = (a: HostMatrix, i: number, j: number) => a.data[i * a.cols + j];
const transpose = (a: HostMatrix) => matrix(a.cols, a.rows, (i, j) => at(a, j, i));
const scaled = (a: HostMatrix, s: Float64Array) => matrix(a.rows, a.cols, (i, j) => at(a, i, j) * s[j]);
/** The plain triple loop. */
const product = (a: HostMatrix, b: HostMatrix) =>
  matrix(a.rows, b.cols, (i, j) => {
    let sum = 0;
    for (let k = 0; k < a.cols; k++) sum += at(a, i, k) * at(b, k, j);
    return sum;
  });
const difference = (a: HostMatrix, b: HostMatrix) => {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  return a.data.reduce((most, x, i) => Math.max(most, Math.abs(x - b.data[i])), 0);
};
const identity = (n: number) => matrix(n, n, (i, j) => (i === j ? 1 : 0));
const orthogonality = (a: HostMatrix) => difference(product(transpose(a), a), identity(a.cols));
const wave = (rows: number, cols: number) =>
  matrix(rows, cols, (i, j) => Math.sin(1 + 3.7 * i * i + 11.3 * j * (i + 1)));

const anyMatrix = fc
  .record({ rows: fc.integer({ min: 1, max: 40 }), cols: fc.integer({ min: 1, max: 40 }), seed: fc.nat(1000) })
  .map(({ rows, cols, seed }) => matrix(rows, cols, (i, j) => Math.sin(seed + 5.1 * i * j + 2.3 * i + 7.7 * j)));

describe('nativeLinalg', () => {
  test('svd: reconstruction, orthogonality, order', () => {
    fc.assert(
      fc.property(anyMatrix, (a) => {
        const { u, s, v } = native.svd(a);
        expect(difference(product(scaled(u, s), transpose(v)), a)).toBeLessThanOrEqual(1e-12 * s[0]);
        expect(Math.max(orthogonality(u), orthogonality(v))).toBeLessThan(1e-12);
        for (let i = 0; i < s.length; i++) expect(s[i]).toBeGreaterThanOrEqual(s[i + 1] ?? 0);
      }),
    );
  });
  test('symmetric eigen: reconstruction, orthogonality, order, values alone', () => {
    fc.assert(
      fc.property(anyMatrix, (b) => {
        const a = product(b, transpose(b));
        const { values, vectors } = native.symmetricEigen(a);
        const norm = values[values.length - 1];
        expect(difference(product(scaled(vectors, values), transpose(vectors)), a)).toBeLessThanOrEqual(1e-12 * norm);
        expect(orthogonality(vectors)).toBeLessThan(1e-12);
        for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
        native.symmetricEigenvalues(a).forEach((x, i) => {
          expect(Math.abs(x - values[i])).toBeLessThanOrEqual(1e-13 * norm);
        });
      }),
    );
  });
  test('qr, cholesky and matmul', () => {
    for (const [m, n] of [
      [70, 40],
      [40, 70],
      [1, 5],
      [5, 1],
    ]) {
      const a = wave(m, n);
      const { q, r } = native.qr(a);
      expect(difference(native.matmul(q, r), a)).toBeLessThan(1e-13);
      expect(orthogonality(q)).toBeLessThan(1e-13);
      expect(difference(native.matmul(a, transpose(a)), product(a, transpose(a)))).toBeLessThan(1e-12);
    }
    const b = wave(30, 50);
    const a = product(b, transpose(b));
    const l = native.cholesky(a);
    expect(difference(product(l, transpose(l)), a)).toBeLessThan(1e-12);
    expect(at(l, 0, 29)).toBe(0);
  });
  test('the transposed product is the product with the transpose', () => {
    const [a, b] = [wave(70, 33), wave(70, 20)];
    expect(native.transposedMatmul(a, b)).toEqual(native.matmul(transpose(a), b));
    expect(() => native.transposedMatmul(a, wave(33, 2))).toThrow('b: expected 70 rows, got 33');
  });
  test('permutedLower: a unit lower triangle in another order of rows, that spans the columns', () => {
    const a = matrix(3, 2, (i, j) => [1, 2, -4, -8, 2, 5][2 * i + j]);
    // columns (1, -4, 2) and (2, -8, 5): the pivot -4, then 5 - 4 = 1 in the last row
    expect(Array.from(native.permutedLower(a).data)).toEqual([-0.25, 0, 1, 0, -0.5, 1]);
    const wide = wave(5, 9);
    expect(native.permutedLower(wide).cols).toBe(5);
  });
  test('leaves its arguments alone', () => {
    const a = wave(9, 9);
    const before = a.data.slice();
    native.svd(a);
    native.qr(a);
    native.symmetricEigen(a);
    expect(a.data).toEqual(before);
  });
  test('names what is wrong, and never hangs on NaN', () => {
    const bad = matrix(3, 3, (i, j) => (i === 1 && j === 2 ? Number.NaN : 1));
    for (const f of [
      native.svd,
      native.qr,
      native.symmetricEigen,
      native.symmetricEigenvalues,
      native.cholesky,
      native.permutedLower,
    ]) {
      expect(() => f(bad)).toThrow('a: expected finite values, got NaN at [1, 2]');
    }
    expect(() => native.svd({ rows: 0, cols: 2, data: new Float64Array(0) })).toThrow('a: expected positive sizes');
    expect(() => native.svd({ rows: 2, cols: 2, data: new Float64Array(3) })).toThrow('expected 2 x 2 values, got 3');
    expect(() => native.symmetricEigen(wave(2, 3))).toThrow('a: expected a square matrix, got 2 x 3');
    expect(() => native.matmul(wave(2, 3), wave(2, 3))).toThrow('b: expected 3 rows, got 2');
    expect(() => native.cholesky(matrix(2, 2, () => -1))).toThrow('positive definite');
  });
});
