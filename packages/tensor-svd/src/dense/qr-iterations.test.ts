import { describe, expect, it as test } from 'vitest';
import { bidiagonalQr } from './bidiagonal-qr';
import { createRotationQueue } from './rotations';
import { tridiagonalQr } from './tridiagonal-qr';

const none = createRotationQueue(undefined, 0, 0);

// The public functions refuse NaN; a provider or a bug that lets one through must not hang the process.
describe('the QR iterations end', () => {
  test('on a tridiagonal matrix with NaN', () => {
    expect(() => tridiagonalQr(Float64Array.of(Number.NaN, 1, 2), Float64Array.of(1, 1), none)).toThrow(
      'symmetricEigen: QR iteration did not converge in 180 sweeps for a matrix of size 3',
    );
  });

  test('on a bidiagonal matrix with NaN', () => {
    const both = { left: none, right: none };
    expect(() => bidiagonalQr(Float64Array.of(Number.NaN, 1), Float64Array.of(1), both)).toThrow(
      'svd: QR iteration did not converge in 120 sweeps for 2 singular values',
    );
  });

  test.each([1, 2, 3, 10])('on %i zeros beside a full off-diagonal', (n) => {
    const d = new Float64Array(n);
    bidiagonalQr(d, new Float64Array(n - 1).fill(1), { left: none, right: none });
    // The nilpotent shift has n - 1 singular values of one and a zero.
    const values = Array.from(d, Math.abs).sort((a, b) => a - b);
    expect(values[0]).toBeCloseTo(0, 14);
    for (const value of values.slice(1)) expect(value).toBeCloseTo(1, 14);
  });
});

describe('createRotationQueue', () => {
  test.each([1, 4, 7])('applies sweeps in order to %i rows', (rows) => {
    const cols = 5;
    const start = Float64Array.from({ length: rows * cols }, (_, i) => Math.cos(i));
    const expected = start.slice();
    const found = start.slice();
    const queue = createRotationQueue(found, rows, cols);
    for (let sweep = 0; sweep < 3; sweep++) {
      for (let j = sweep; j < cols - 1; j++) {
        const [c, s] = [Math.cos(sweep + j), Math.sin(sweep + j)];
        queue.push(j, c, s);
        for (let i = 0; i < rows; i++) {
          const [x, y] = [expected[i * cols + j], expected[i * cols + j + 1]];
          expected[i * cols + j] = c * x + s * y;
          expected[i * cols + j + 1] = c * y - s * x;
        }
      }
      queue.endSweep();
    }
    expect(found).toEqual(start);
    queue.flush();
    expect(found).toEqual(expected);
  });

  test('applies by itself when it is full, also within a long sweep', () => {
    const cols = 40_000;
    const x = new Float64Array(cols);
    x[0] = 1;
    const queue = createRotationQueue(x, 1, cols);
    // A quarter turn at every column carries the one to the end.
    for (let j = 0; j < cols - 1; j++) queue.push(j, 0, -1);
    queue.endSweep();
    expect(Math.abs(x[cols - 1])).toBe(1);
  });
});
