import * as fc from 'fast-check';
import { describe, expect, it as test } from 'vitest';
import {
  compose,
  frobenius,
  largestDifference,
  orthogonalityError,
  parkMiller,
  reference,
  restore,
} from '../test/matrices';
import { matmul, qr, svd, symmetricEigen, symmetricEigenvalues } from './decompositions';
import { createMatrix, identityMatrix, leadingColumns, type Matrix, scaleColumns, transpose } from './dense/matrix';

/** Reconstruction, orthogonality, order and sign: what makes an SVD, to 1e-11 of the largest singular value. */
function expectSvd(a: Matrix) {
  const { u, s, v } = svd(a);
  const k = Math.min(a.rows, a.cols);
  expect([u.rows, u.cols, s.length, v.rows, v.cols]).toEqual([a.rows, k, k, a.cols, k]);
  expect(largestDifference(compose(u, s, v).data, a.data)).toBeLessThanOrEqual(1e-11 * s[0]);
  expect(orthogonalityError(u)).toBeLessThan(1e-12);
  expect(orthogonalityError(v)).toBeLessThan(1e-12);
  for (let i = 1; i < k; i++) expect(s[i]).toBeLessThanOrEqual(s[i - 1]);
  expect(s[k - 1]).toBeGreaterThanOrEqual(0);
  return { u, s, v };
}

function expectEigen(a: Matrix) {
  const { values, vectors } = symmetricEigen(a);
  const norm = Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1]));
  expect(largestDifference(compose(vectors, values, vectors).data, a.data)).toBeLessThanOrEqual(1e-12 * norm);
  expect(orthogonalityError(vectors)).toBeLessThan(1e-12);
  for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
  expect(largestDifference(symmetricEigenvalues(a), values)).toBeLessThanOrEqual(1e-13 * norm);
  return values;
}

/** Entries that provoke trouble: zeros, repeats, and magnitudes from 1e-12 to 1. */
const entry = fc.oneof(
  fc.constantFrom(0, 0, 1, -1, 2),
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.integer({ min: -12, max: 0 }).map((exponent) => 10 ** exponent),
);
const anyMatrix = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([rows, cols]) =>
    fc
      .array(entry, { minLength: rows * cols, maxLength: rows * cols })
      .map((values) => createMatrix(rows, cols, values)),
  );

describe('svd', () => {
  test.each(reference.svdSmall)('agrees with numpy: $name', ({ a, s }) => {
    const found = expectSvd(restore(a));
    expect(largestDifference(found.s, s)).toBeLessThanOrEqual(1e-12 * s[0]);
  });

  test.each(reference.svdLarge)('agrees with numpy: $rows x $cols', ({ rows, cols, seed, s }) => {
    const found = expectSvd(parkMiller(seed, rows, cols));
    expect(largestDifference(found.s, s)).toBeLessThanOrEqual(1e-12 * s[0]);
  });

  test('holds for any matrix', () => {
    fc.assert(
      fc.property(anyMatrix, (a) => void expectSvd(a)),
      { numRuns: 150 },
    );
  });

  test.each([
    [1, 1],
    [3, 7],
    [7, 3],
    [5, 5],
  ])('gives zeros and orthonormal vectors for a zero matrix %i x %i', (rows, cols) => {
    const { s } = expectSvd(createMatrix(rows, cols));
    expect(Array.from(s)).toEqual(Array(Math.min(rows, cols)).fill(0));
  });

  test('cut at any rank leaves the tail as error (Eckart and Young)', () => {
    const a = parkMiller(5, 17, 11);
    const { u, s, v } = svd(a);
    for (let rank = 1; rank < 11; rank++) {
      const cut = compose(leadingColumns(u, rank), s.subarray(0, rank), leadingColumns(v, rank));
      const rest = createMatrix(
        17,
        11,
        a.data.map((x, i) => x - cut.data[i]),
      );
      expect(frobenius(rest.data)).toBeCloseTo(frobenius(s.subarray(rank)), 11);
      expect(svd(rest).s[0]).toBeCloseTo(s[rank], 11);
    }
  });

  test('does not change its argument and repeats itself', () => {
    const a = parkMiller(7, 9, 6);
    const before = a.data.slice();
    const first = svd(a);
    expect(a.data).toEqual(before);
    expect(svd(a)).toEqual(first);
  });

  test('names what is wrong', () => {
    expect(() => svd(createMatrix(2, 2, [1, 2, Number.NaN, 4]))).toThrow(
      'a: expected finite values, got NaN at [1, 0]',
    );
    expect(() => svd(createMatrix(1, 2, [1, Number.NEGATIVE_INFINITY]))).toThrow('got -Infinity at [0, 1]');
    expect(() => svd({ rows: 2, cols: 2, data: new Float64Array(3) })).toThrow('a: expected 2 x 2 = 4 values, got 3');
    expect(() => svd({ rows: 0, cols: 2, data: new Float64Array(0) })).toThrow('a: expected positive integer sizes');
  });
});

describe('symmetricEigen', () => {
  test.each(reference.eigenSmall)('agrees with numpy: $name', ({ a, values }) => {
    const norm = Math.max(...values.map(Math.abs));
    expect(largestDifference(expectEigen(restore(a)), values)).toBeLessThanOrEqual(1e-13 * norm);
  });

  test.each(reference.eigenLarge)('agrees with numpy: $n x $n', ({ n, seed, values }) => {
    const half = parkMiller(seed, n, n);
    const a = createMatrix(
      n,
      n,
      half.data.map((x, i) => x + half.data[(i % n) * n + Math.floor(i / n)]),
    );
    expect(largestDifference(expectEigen(a), values)).toBeLessThanOrEqual(1e-12 * values[n - 1]);
  });

  test('holds for any symmetric matrix', () => {
    const gram = anyMatrix.map((x) => matmul(x, transpose(x)));
    const sum = anyMatrix.map((x) => {
      const square = matmul(x, createMatrix(x.cols, x.rows, x.data));
      return createMatrix(
        x.rows,
        x.rows,
        square.data.map((y, i) => y + transpose(square).data[i]),
      );
    });
    fc.assert(
      fc.property(fc.oneof(gram, sum), (a) => void expectEigen(a)),
      { numRuns: 150 },
    );
  });

  test('gives zeros for a zero matrix and ones for the identity', () => {
    expect(Array.from(expectEigen(createMatrix(4, 4)))).toEqual([0, 0, 0, 0]);
    expect(Array.from(expectEigen(identityMatrix(5)))).toEqual([1, 1, 1, 1, 1]);
  });

  test('takes rounding for symmetry, and nothing else', () => {
    expect(symmetricEigen(createMatrix(2, 2, [2, 1, 1 + 1e-15, 2])).values[1]).toBeCloseTo(3, 12);
    expect(() => symmetricEigen(createMatrix(2, 2, [2, 1, 1.5, 2]))).toThrow('a: expected a symmetric matrix');
    expect(() => symmetricEigen(createMatrix(2, 3))).toThrow('a: expected a square matrix, got 2 x 3');
    expect(() => symmetricEigenvalues(createMatrix(1, 1, [Number.NaN]))).toThrow('a: expected finite values');
  });
});

describe('qr', () => {
  const expectQr = (a: Matrix) => {
    const { q, r } = qr(a);
    expect([q.rows, q.cols, r.rows, r.cols]).toEqual([a.rows, r.rows, Math.min(a.rows, a.cols), a.cols]);
    expect(largestDifference(matmul(q, r).data, a.data)).toBeLessThanOrEqual(1e-13 * (1 + frobenius(a.data)));
    expect(orthogonalityError(q)).toBeLessThan(1e-13);
    for (let i = 0; i < r.rows; i++) for (let j = 0; j < i; j++) expect(r.data[i * r.cols + j]).toBe(0);
  };

  test('gives orthonormal columns and an upper triangle for any matrix', () => {
    fc.assert(fc.property(anyMatrix, expectQr), { numRuns: 100 });
  });

  // Above 32 columns several blocks of reflectors take part.
  test.each([
    [70, 40],
    [40, 70],
    [65, 65],
    [33, 32],
  ])('in blocks: %i x %i', (rows, cols) => expectQr(parkMiller(rows, rows, cols)));

  test('keeps its accuracy at both ends of the exponent range', () => {
    expectQr(createMatrix(2, 3, [-5e-324, 0, 1, -5e-324, 0, 1]));
    const a = parkMiller(3, 5, 4);
    for (const scale of [1e-305, 1e300]) {
      const scaled = scaleColumns(a, Array(4).fill(scale));
      const { q, r } = qr(scaled);
      expect(orthogonalityError(q)).toBeLessThan(1e-13);
      expect(largestDifference(matmul(q, r).data, scaled.data)).toBeLessThanOrEqual(1e-13 * scale);
    }
  });

  test('refuses NaN', () => {
    expect(() => qr(createMatrix(1, 1, [Number.NaN]))).toThrow('a: expected finite values, got NaN at [0, 0]');
  });
});

describe('matmul', () => {
  const naive = (a: Matrix, b: Matrix) =>
    createMatrix(
      a.rows,
      b.cols,
      Array.from({ length: a.rows * b.cols }, (_, at) => {
        const [i, j] = [Math.floor(at / b.cols), at % b.cols];
        let sum = 0;
        for (let p = 0; p < a.cols; p++) sum += a.data[i * a.cols + p] * b.data[p * b.cols + j];
        return sum;
      }),
    );

  test.each([
    [1, 1, 1],
    [4, 4, 4],
    [5, 300, 3],
    [1, 7, 9],
    [13, 257, 6],
    [8, 1, 8],
  ])('is the sum of products: [%i, %i] [., %i]', (m, k, n) => {
    const a = parkMiller(m, m, k);
    const b = parkMiller(n + 100, k, n);
    expect(largestDifference(matmul(a, b).data, naive(a, b).data)).toBeLessThan(1e-12);
  });

  test('is associative with a diagonal and undone by the transpose', () => {
    const a = parkMiller(3, 6, 5);
    const diagonal = createMatrix(5, 5);
    for (let i = 0; i < 5; i++) diagonal.data[6 * i] = i + 1;
    expect(matmul(a, diagonal)).toEqual(scaleColumns(a, [1, 2, 3, 4, 5]));
    const b = parkMiller(4, 5, 7);
    expect(transpose(matmul(a, b))).toEqual(matmul(transpose(b), transpose(a)));
  });

  test('lets NaN through and names sizes that do not fit', () => {
    expect(matmul(createMatrix(1, 1, [Number.NaN]), createMatrix(1, 1, [0])).data[0]).toBeNaN();
    expect(() => matmul(createMatrix(2, 3), createMatrix(2, 3))).toThrow(
      'b: expected 3 rows, the columns of a [2, 3], got [2, 3]',
    );
  });
});
