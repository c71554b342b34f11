import { createGenerator } from '@learngene/random';
import { readFixture, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { compose, largestDifference, orthogonalityError, parkMiller, restore, type Stored } from '../test/matrices';
import {
  componentCost,
  componentEnergies,
  countForFraction,
  createMatrix,
  type FactoredParams,
  factorDense,
  factoredMacs,
  factoredParamCount,
  identityMatrix,
  initFactored,
  type Matrix,
  matmul,
  mergeFactored,
  orthogonalizeFactored,
  qr,
  randomizedSvd,
  randomOrthonormal,
  rankComponents,
  residualNorm,
  selectByBudget,
  selectComponents,
  svd,
  symmetricEigen,
  symmetricEigenvalues,
  transpose,
  truncateFactored,
} from './index';

beforeAll(useTestBackend);

/** What `tools/fixtures/make_tensor_svd.py` wrote: singular values from 80 digits. */
const graded = readFixture<{ svd: { name: string; a: Stored; s: number[] }[] }>(
  import.meta.url,
  '../fixtures/graded.json',
);

const relativeError = (found: ArrayLike<number>, wanted: ArrayLike<number>) =>
  Array.from(wanted).reduce(
    (most, value, i) => Math.max(most, value === found[i] ? 0 : Math.abs(found[i] / value - 1)),
    0,
  );

/** The laws of an SVD; its values. */
function expectSvd(a: Matrix): Float64Array {
  const { u, s, v } = svd(a);
  expect(largestDifference(compose(u, s, v).data, a.data)).toBeLessThanOrEqual(1e-11 * s[0]);
  expect(orthogonalityError(u)).toBeLessThan(1e-12);
  expect(orthogonalityError(v)).toBeLessThan(1e-12);
  for (let i = 1; i < s.length; i++) expect(s[i]).toBeLessThanOrEqual(s[i - 1]);
  return s;
}

const scaledBy = ({ rows, cols, data }: Matrix, left: (i: number) => number, right: (j: number) => number): Matrix => ({
  rows,
  cols,
  data: data.map((x, at) => left(Math.floor(at / cols)) * x * right(at % cols)),
});

describe('singular values of graded matrices', () => {
  // n epsilon times the condition of the matrix that was graded
  const plain = svd(parkMiller(61, 12, 12)).s;
  const bound = 12 * Number.EPSILON * (plain[0] / plain[11]);

  test.each(graded.svd)('$name: every one accurate by its own size', ({ a, s }) => {
    expect(bound).toBeLessThan(1.2e-12);
    expect(relativeError(expectSvd(restore(a)), s)).toBeLessThan(bound);
  });

  test.each([20, 300])(
    'of a diagonal matrix of 64 values over 1e-%i are its elements, in any order and sign',
    (range) => {
      const wanted = Array.from({ length: 64 }, (_, i) => 10 ** ((-range * i) / 64));
      for (const step of [1, 11]) {
        const a = createMatrix(64, 64);
        for (const [i, value] of wanted.entries())
          a.data[((i * step) % 64) * 64 + ((7 * i + 3) % 64)] = i % 3 ? value : -value;
        expect(Array.from(expectSvd(a))).toEqual(wanted);
      }
    },
  );

  test('do not depend on the order of rows and columns, the sign or the side', () => {
    const exponents = (length: number) =>
      fc.array(fc.integer({ min: -25, max: 3 }), { minLength: length, maxLength: length });
    const sizes = fc.record({
      rows: fc.integer({ min: 2, max: 9 }),
      cols: fc.integer({ min: 2, max: 9 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(
        sizes.chain(({ rows, cols, seed }) =>
          fc.tuple(fc.constant(parkMiller(seed, rows, cols)), exponents(Math.max(rows, cols)), fc.boolean()),
        ),
        ([plain, powers, byRows]) => {
          const power = (i: number) => 10 ** powers[i];
          const one = () => 1;
          const a = byRows ? scaledBy(plain, power, one) : scaledBy(plain, one, power);
          const s = expectSvd(a);
          const reversed = {
            ...a,
            data: a.data
              .slice()
              .reverse()
              .map((x) => -x),
          };
          // as far as the condition of the matrix without its grading allows, and a spread of 1024 that counts as none
          const smallest = svd(plain).s.at(-1)!;
          const bound = 8 * 1024 * Number.EPSILON * Math.max(1, (svd(plain).s[0] / smallest) ** 2);
          if (bound > 1e-6) return;
          expect(relativeError(expectSvd(reversed), s)).toBeLessThan(bound);
          expect(relativeError(expectSvd(transpose(a)), s)).toBeLessThan(bound);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of an ordinary matrix: a few ulps of the largest', () => {
    const s = expectSvd(parkMiller(5, 40, 40));
    const scaled = expectSvd(
      scaledBy(
        parkMiller(5, 40, 40),
        () => -3,
        () => 1,
      ),
    );
    expect(
      largestDifference(
        scaled.map((x) => x / 3),
        s,
      ),
    ).toBeLessThan(1e-14 * s[0]);
  });
});

test('eigenvalues of a diagonal matrix are its elements; small ones of a graded matrix are those of svd', () => {
  const wanted = Array.from({ length: 40 }, (_, i) => 10 ** (i / 2 - 20));
  const a = createMatrix(40, 40);
  for (const [i, value] of wanted.entries()) a.data[((i * 11) % 40) * 41] = value;
  expect(Array.from(symmetricEigen(a).values)).toEqual(wanted);
  expect(Array.from(symmetricEigenvalues(a))).toEqual(wanted);
  const b = parkMiller(3, 6, 6);
  const gram = matmul(transpose(b), b);
  const power = (i: number) => 10 ** (-3 * i);
  const graded = scaledBy(gram, power, power);
  const determinant = svd(b).s.reduce((product, value) => product * value ** 2, 1) * 10 ** -90;
  expect(svd(graded).s.reduce((product, value) => product * value, 1) / determinant).toBeCloseTo(1, 9);
});

describe('at the limits', () => {
  test.each([
    [1, 1],
    [1, 6],
    [6, 1],
    [4, 9],
    [9, 4],
  ])('a zero matrix %i x %i, its factors and its rest', (rows, cols) => {
    const zero = createMatrix(rows, cols);
    const k = Math.min(rows, cols);
    expect(Array.from(expectSvd(zero))).toEqual(Array(k).fill(0));
    const r = randomizedSvd(zero, { rank: 1, generator: createGenerator(1) });
    expect(r.s[0]).toBe(0);
    expect(orthogonalityError(r.u)).toBeLessThan(1e-12);
    expect(orthogonalityError(r.v)).toBeLessThan(1e-12);
    expect(residualNorm(zero, svd(zero), { generator: createGenerator(1) })).toBe(0);
    const { q } = qr(zero);
    expect(orthogonalityError(q)).toBeLessThan(1e-12);
    tf.tidy(() => {
      const f = factorDense({ weight: tf.zeros([rows, cols]) });
      expect(Array.from(componentEnergies(f))).toEqual(Array(k).fill(0));
      for (const layer of [
        orthogonalizeFactored(f),
        mergeFactored(f, f, { rank: 1 }),
        truncateFactored(f, { energyFraction: 0.5 }),
      ]) {
        expect(
          Object.values(layer)
            .flatMap((leaf) => [...leaf.dataSync()])
            .every(Number.isFinite),
        ).toBe(true);
      }
    });
  });

  test('one number', () => {
    expect(svd(createMatrix(1, 1, [-3]))).toMatchObject({ s: Float64Array.of(3) });
    expect(Array.from(symmetricEigen(createMatrix(1, 1, [-3])).values)).toEqual([-3]);
  });

  test('fractions of no energy, and of all', () => {
    expect(countForFraction([0, 0], 1)).toBe(1);
    expect(countForFraction([1, 0], 1)).toBe(1);
    expect(() => countForFraction([Number.NaN], 1)).toThrow('energies: expected finite numbers');
    expect(selectByBudget([], { budget: 0 })).toEqual({ indices: [], cost: 0, energy: 0, energyFraction: 1 });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%f in a matrix or a parameter is refused by name', (bad) => {
    const a = createMatrix(2, 2, [1, 2, 2, bad]);
    for (const use of [svd, qr, symmetricEigen, symmetricEigenvalues]) expect(() => use(a)).toThrow(/^a: expected/);
    expect(() => randomizedSvd(a, { rank: 1, generator: createGenerator(1) })).toThrow('a: expected finite values');
    expect(() => residualNorm(a, svd(identityMatrix(2)), { generator: createGenerator(1) })).toThrow(
      'a: expected finite',
    );
    tf.tidy(() => {
      expect(() => factorDense({ weight: tf.tensor2d([1, bad], [1, 2]) })).toThrow(
        'weight: expected finite values, got',
      );
      const good = factorDense({ weight: tf.tensor2d([1, 2, 3, 5], [2, 2]) });
      for (const name of ['u', 's', 'v'] as const) {
        const broken = { ...good, [name]: tf.mul(good[name], bad) } as FactoredParams;
        expect(() => orthogonalizeFactored(broken)).toThrow(`${name}: expected finite values, got`);
        expect(() => componentEnergies(broken)).toThrow('f: expected finite parameters');
        expect(() => truncateFactored(broken, { rank: 1 })).toThrow('f: expected finite parameters');
      }
    });
  });

  test('singular values above float32 are refused', () => {
    tf.tidy(() => {
      expect(() => factorDense({ weight: tf.fill([4, 4], 3e38) })).toThrow(
        's: expected values that float32 holds, got 1.2',
      );
    });
  });
});

const g = () => createGenerator(1);
const a = parkMiller(1, 6, 5);
const layer = () => factorDense({ weight: tf.ones([4, 3]) });
const size = { in: 3, out: 4, rank: 2 };
const budgeted = (fields: object, budget = 3) => selectByBudget([{ energies: [1, 2], cost: 1, ...fields }], { budget });

/** Every scalar option, what takes it, and wrong values beside NaN and -1. */
const OPTIONS: readonly [name: string, more: readonly number[], use: (value: number) => unknown][] = [
  ['matrix', [0, 1.5, Number.POSITIVE_INFINITY], (rows) => createMatrix(rows, 2)],
  ['matrix', [0, 1.5, Number.POSITIVE_INFINITY], (n) => identityMatrix(n)],
  ['rank', [0, 1.5, 6], (rank) => randomizedSvd(a, { rank, generator: g() })],
  ['oversamples', [1.5], (oversamples) => randomizedSvd(a, { rank: 1, oversamples, generator: g() })],
  ['powerIterations', [1.5], (powerIterations) => randomizedSvd(a, { rank: 1, powerIterations, generator: g() })],
  ['iterations', [0, 1.5], (iterations) => residualNorm(a, svd(a), { iterations, generator: g() })],
  ['rows', [0, 1.5], (rows) => randomOrthonormal(g(), rows, 1)],
  ['cols', [0, 1.5, 5], (cols) => randomOrthonormal(g(), 4, cols)],
  ['rank', [0, 1.5, 4], (rank) => factorDense({ weight: tf.ones([4, 3]) }, { rank })],
  ['rank', [0, 1.5, 4], (rank) => orthogonalizeFactored(layer(), { rank })],
  ['rank', [0, 1.5, 4], (rank) => mergeFactored(layer(), layer(), { rank })],
  ['rank', [0, 1.5, 4], (rank) => initFactored(g(), { in: 3, out: 4, rank })],
  ['rank', [0, 1.5, 4], (rank) => initFactored(g(), { in: 3, out: 9, rank, init: 'zero-output' })],
  ['in', [0, 1.5], (inputs) => initFactored(g(), { in: inputs, out: 4, rank: 1 })],
  ['out', [0, 1.5], (out) => initFactored(g(), { in: 3, out, rank: 1, init: 'zero-output' })],
  ['rank', [0, 1.5, 4], (rank) => truncateFactored(layer(), { rank })],
  ['energyFraction', [0, 1.5], (energyFraction) => truncateFactored(layer(), { energyFraction })],
  ['energyFraction', [0, 1.5], (fraction) => countForFraction([1, 2], fraction)],
  ['maxParams', [0, 7], (maxParams) => truncateFactored(layer(), { maxParams })],
  ['energies', [Number.POSITIVE_INFINITY], (energy) => rankComponents([energy])],
  ['indices', [1.5, 3], (index) => selectComponents(layer(), [index])],
  ['budget', [], (budget) => budgeted({}, budget)],
  ['layers[0].cost', [0, Number.POSITIVE_INFINITY], (cost) => budgeted({ cost })],
  ['layers[0].minimum', [1.5, 3], (minimum) => budgeted({ minimum })],
  ['energies', [Number.POSITIVE_INFINITY], (energy) => budgeted({ energies: [energy] })],
  ['rank', [1.5], (rank) => factoredParamCount({ ...size, rank })],
  ['in', [0, 1.5], (inputs) => factoredParamCount({ ...size, in: inputs })],
  ['out', [0, 1.5], (out) => factoredMacs({ ...size, out })],
  ['in', [0, 1.5], (inputs) => componentCost({ in: inputs, out: 2 }, 'macs')],
  ['bytesPerValue', [0, Number.POSITIVE_INFINITY], (bytesPerValue) => componentCost(size, { bytesPerValue })],
];

test.each(OPTIONS)('%s refuses NaN, a negative number and %j by its name', (name, more, use) => {
  tf.tidy(() => {
    for (const value of [Number.NaN, -1, ...more]) {
      let message = 'accepted';
      try {
        use(value);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message, `${name} = ${value}`).toContain(`${name}: expected`);
      expect(message, `${name} = ${value}`).toContain('got');
    }
  });
});

test('an unknown order of a budget is refused', () => {
  expect(() => selectByBudget([], { budget: 1, by: 'cost' as 'energy' })).toThrow(
    "by: expected 'energy' or 'energy-per-cost', got \"cost\"",
  );
});
