import { expectClose } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { bidiagonalValues, nuclearNorm } from './nuclear-norm';
import { productNT } from './product';

describe('nuclearNorm', () => {
  test('a diagonal matrix, in any order and with signs', () => {
    expectClose(nuclearNorm(Float64Array.of(3, 0, 0, 0, -5, 0, 0, 0, 1e-8), 3, 3), 8.00000001, {
      rtol: 1e-15,
      atol: 0,
    });
  });

  test('an outer product has the product of the norms, tall and wide', () => {
    const u = gaussianFeatures(1, 9, 1).data;
    const v = gaussianFeatures(2, 5, 1).data;
    const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x));
    for (const [rows, cols, p, q] of [[9, 5, u, v] as const, [5, 9, v, u] as const]) {
      const data = Float64Array.from({ length: rows * cols }, (_, i) => p[Math.floor(i / cols)] * q[i % cols]);
      expectClose(nuclearNorm(data, rows, cols), norm(u) * norm(v), { rtol: 1e-14, atol: 0 });
    }
  });

  test('a Gram matrix has its trace', () => {
    const x = Float64Array.from(gaussianFeatures(5, 11, 6).data);
    const gram = new Float64Array(121);
    productNT({ a: x, rows: 11, b: x, cols: 11, depth: 6 }, gram);
    const trace = Array.from({ length: 11 }, (_, i) => gram[i * 12]).reduce((a, b) => a + b);
    expectClose(nuclearNorm(gram.slice(), 11, 11), trace, { rtol: 1e-14, atol: 0 });
  });

  test('zero and empty matrices have norm 0', () => {
    expect(nuclearNorm(new Float64Array(6), 3, 2)).toBeLessThan(1e-300);
    expect(nuclearNorm(new Float64Array(0), 0, 4)).toBe(0);
  });
});

test('bidiagonal values of a 2 x 2 matrix equal the closed form', () => {
  // σ1 σ2 = d1 d2 and σ1² + σ2² = d1² + d2² + e²
  const [small, large] = [...bidiagonalValues(Float64Array.of(1, 2), Float64Array.of(2))];
  expectClose([small * large, small ** 2 + large ** 2], [2, 9], { rtol: 1e-14 });
});
