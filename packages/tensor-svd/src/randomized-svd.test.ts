import { createGenerator } from '@learngene/random';
import { describe, expect, it as test } from 'vitest';
import { compose, largestDifference, orthogonalityError, parkMiller, reference, restore } from '../test/matrices';
import { matmul, svd } from './decompositions';
import { permutedLower } from './dense/lu';
import { createMatrix, leadingColumns, type Matrix, scaleColumns, transpose } from './dense/matrix';
import { type RandomizedSvdOptions, randomizedSvd } from './randomized-svd';
import { residualNorm } from './residual-norm';

const decaying = matmul(
  scaleColumns(
    parkMiller(73, 120, 80),
    Array.from({ length: 80 }, (_, i) => 0.8 ** i),
  ),
  transpose(parkMiller(79, 80, 80)),
);
const generator = () => createGenerator(1);
const difference = (a: Matrix, b: Matrix) =>
  createMatrix(
    a.rows,
    a.cols,
    a.data.map((x, i) => x - b.data[i]),
  );

describe('randomizedSvd', () => {
  test.each(reference.randomized.runs)(
    'agrees with scikit-learn: rank $rank, $n_iter iterations, $normalizer, transpose $transpose',
    (run) => {
      const { u, s, v } = randomizedSvd(decaying, {
        rank: run.rank,
        powerIterations: run.n_iter,
        normalizer: run.normalizer,
        transpose: run.transpose,
        generator: generator(),
      });
      const exact = reference.randomized.s;
      expect(largestDifference(svd(decaying).s, exact)).toBeLessThan(1e-12 * exact[0]);
      // The error of both is far below the first cut value: (s[20] / s[0])^(2 q) decides it.
      expect(largestDifference(s, run.s)).toBeLessThan(1e-3 * exact[run.rank]);
      expect(largestDifference(s, exact.slice(0, run.rank))).toBeLessThan(1e-3 * exact[run.rank]);
      // Same vectors, signs included.
      expect(largestDifference(leadingColumns(u, 5).data, run.u.data)).toBeLessThan(1e-3);
      expect(largestDifference(leadingColumns(v, 5).data, run.v.data)).toBeLessThan(1e-3);
      expect(orthogonalityError(u)).toBeLessThan(1e-12);
      expect(orthogonalityError(v)).toBeLessThan(1e-12);
    },
  );

  test('is exact when the sketch holds the whole range', () => {
    const a = matmul(parkMiller(1, 30, 4), parkMiller(2, 4, 25));
    const { u, s, v } = randomizedSvd(a, { rank: 4, oversamples: 2, powerIterations: 0, generator: generator() });
    expect(largestDifference(compose(u, s, v).data, a.data)).toBeLessThan(1e-12 * s[0]);
  });

  test('stays within the bound of Halko et al. (10.9) without power iterations', () => {
    const a = parkMiller(9, 60, 40);
    const exact = svd(a).s;
    const [rank, oversamples] = [8, 8];
    const { u, s, v } = randomizedSvd(a, { rank, oversamples, powerIterations: 0, generator: generator() });
    const error = svd(difference(a, compose(u, s, v))).s[0];
    expect(error).toBeGreaterThanOrEqual(exact[rank] * (1 - 1e-12));
    // Truncating the sketch to the rank adds at most s[rank].
    expect(error).toBeLessThan((2 + 9 * Math.sqrt(rank + oversamples) * Math.sqrt(40)) * exact[rank]);
  });

  test('comes closer with more power iterations', () => {
    const a = parkMiller(9, 60, 40);
    const error = (powerIterations: number) => {
      const { u, s, v } = randomizedSvd(a, { rank: 8, powerIterations, generator: generator() });
      return svd(difference(a, compose(u, s, v))).s[0];
    };
    const best = svd(a).s[8];
    expect(error(1)).toBeLessThan(error(0));
    expect(error(6)).toBeLessThan(1.02 * best);
  });

  test('gives the transpose for the transpose', () => {
    const options: RandomizedSvdOptions = { rank: 3, transpose: 'auto', generator: generator(), flipSign: false };
    const tall = randomizedSvd(decaying, options);
    const wide = randomizedSvd(transpose(decaying), { ...options, generator: generator() });
    expect(wide).toEqual({ u: tall.v, s: tall.s, v: tall.u });
  });

  test('repeats itself for a seed, and makes the peaks of u positive', () => {
    const run = (flipSign: boolean) => randomizedSvd(decaying, { rank: 4, flipSign, generator: generator() });
    const { u, s, v } = run(true);
    expect(run(true)).toEqual({ u, s, v });
    for (let j = 0; j < 4; j++) {
      const column = Array.from({ length: u.rows }, (_, i) => u.data[i * 4 + j]);
      expect(Math.max(...column)).toBeGreaterThanOrEqual(-Math.min(...column));
    }
    const plain = run(false);
    expect(largestDifference(compose(u, s, v).data, compose(plain.u, plain.s, plain.v).data)).toBeLessThan(1e-12);
  });

  test('survives a rank above that of the matrix', () => {
    const { s } = randomizedSvd(createMatrix(6, 5), { rank: 5, generator: generator() });
    expect(Array.from(s)).toEqual([0, 0, 0, 0, 0]);
  });

  test('names what is wrong', () => {
    const a = parkMiller(1, 4, 3);
    const run = (options: Partial<RandomizedSvdOptions>) => () =>
      randomizedSvd(a, { rank: 2, generator: generator(), ...options });
    expect(run({ rank: 4 })).toThrow('rank: expected an integer from 1 to 3, got 4');
    expect(run({ oversamples: -1 })).toThrow('oversamples: expected an integer of at least 0, got -1');
    expect(run({ powerIterations: 1.5 })).toThrow("powerIterations: expected 'auto' or an integer of at least 0");
    expect(run({ normalizer: 'SVD' as 'QR' })).toThrow("normalizer: expected 'auto', 'QR', 'LU' or 'none', got SVD");
  });
});

describe('permutedLower', () => {
  test.each(reference.lu)('agrees with scipy.linalg.lu(permute_l=True)', ({ a, pl }) => {
    const found = permutedLower(restore(a));
    expect([found.rows, found.cols]).toEqual([pl.rows, pl.cols]);
    expect(largestDifference(found.data, pl.data)).toBeLessThan(1e-14);
  });
});

describe('residualNorm', () => {
  test('finds the first cut singular value', () => {
    const a = parkMiller(12, 40, 30);
    const { u, s, v } = svd(a);
    const factors = { u: leadingColumns(u, 6), s: s.slice(0, 6), v: leadingColumns(v, 6) };
    const estimate = residualNorm(a, factors, { iterations: 200, generator: generator() });
    expect(estimate).toBeLessThanOrEqual(s[6] * (1 + 1e-12));
    expect(estimate).toBeGreaterThan(0.99 * s[6]);
    const rough = residualNorm(a, factors, { generator: generator() });
    expect(rough).toBeLessThanOrEqual(s[6] * (1 + 1e-12));
    expect(rough).toBeGreaterThan(0.85 * s[6]);
  });

  test('is nearly zero for an exact decomposition and zero for a zero matrix', () => {
    const a = parkMiller(12, 10, 8);
    const exact = svd(a);
    expect(residualNorm(a, exact, { generator: generator() })).toBeLessThan(1e-13 * exact.s[0]);
    const zero = createMatrix(3, 2);
    expect(residualNorm(zero, svd(zero), { generator: generator() })).toBe(0);
  });

  test('names what is wrong', () => {
    const a = parkMiller(12, 4, 3);
    const f = svd(a);
    expect(() => residualNorm(transpose(a), f, { generator: generator() })).toThrow(
      'factors: expected u [3, k], s [k], v [4, k], got u [4, 3], s [3], v [3, 3]',
    );
    expect(() => residualNorm(a, f, { iterations: 0, generator: generator() })).toThrow('iterations: expected');
  });
});
