import { expectClose } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { gaussianFeatures, splitRows } from '../test/random-features';
import { frechetDistance } from './frechet-distance';
import {
  createMoments,
  type FeatureSet,
  finishMoments,
  inceptionScore,
  kernelDistance,
  mergeMoments,
  precisionRecall,
  updateMoments,
} from './index';

const momentsOf = ({ data, dims }: FeatureSet) => {
  const moments = createMoments(dims);
  updateMoments(moments, data);
  return moments;
};
const statisticsOf = (set: FeatureSet) => finishMoments(momentsOf(set));
const shifted = (set: FeatureSet, by: number): FeatureSet => ({
  ...set,
  data: Float64Array.from(set.data, (value) => value + by),
});
const scaled = (set: FeatureSet, by: number): FeatureSet => ({
  ...set,
  data: Float64Array.from(set.data, (value) => value * by),
});
const rows = (dims: number, ...values: number[]): FeatureSet => ({
  data: Float64Array.from(values),
  count: values.length / dims,
  dims,
});
/** Exactly representable after a shift by 10000. */
const coarse = (set: FeatureSet): FeatureSet => ({
  ...set,
  data: set.data.map((value) => Math.round(value * 256) / 256),
});

const a = coarse(gaussianFeatures(1, 40, 5));
const b = coarse(gaussianFeatures(2, 30, 5, 0.5));
const same = (count: number, value: number): FeatureSet => ({
  data: new Float64Array(count * 3).fill(value),
  count,
  dims: 3,
});

describe('Fréchet distance', () => {
  const fid = (x: FeatureSet, y: FeatureSet) => frechetDistance(statisticsOf(x), statisticsOf(y));

  test('far from the origin, float32: as near it', () => {
    const far = (set: FeatureSet) => ({ ...set, data: Float32Array.from(set.data, (value) => value + 1e4) });
    expectClose(fid(far(a), far(b)), fid(a, b), { rtol: 1e-10 });
  });

  test.each([1e-120, 1e-30, 1e30, 1e120])('scales with the square of the features: %f', (factor) => {
    expectClose(fid(scaled(a, factor), scaled(b, factor)) / factor ** 2, fid(a, b), { rtol: 1e-10 });
  });

  test('constant features: the distance of the means', () => {
    expect(fid(same(4, 2), same(5, 2))).toBe(0);
    expect(fid(same(4, 2), same(5, 5))).toBe(27);
    expectClose(fid(same(4, 0), gaussian1(3)), tracePlusMean(gaussian1(3)), { rtol: 1e-12 });
  });

  test('one dimension: (m1 - m2)² + (s1 - s2)²', () => {
    const [x, y] = [rows(1, 0, 2), rows(1, 10, 16)]; // variances 2 and 18
    expectClose(fid(x, y), 12 ** 2 + (Math.sqrt(18) - Math.sqrt(2)) ** 2, { rtol: 1e-14 });
  });

  test('two vectors in many dimensions: rank one covariances', () => {
    const [x, y] = [gaussianFeatures(3, 2, 20), gaussianFeatures(4, 2, 20)];
    const difference = (set: FeatureSet) =>
      Array.from({ length: 20 }, (_, j) => (set.data[20 + j] - set.data[j]) / Math.SQRT2);
    const mean = (set: FeatureSet) => Array.from({ length: 20 }, (_, j) => (set.data[20 + j] + set.data[j]) / 2);
    const dot = (p: number[], q: number[]) => p.reduce((sum, value, j) => sum + value * q[j], 0);
    const [p, q] = [difference(x), difference(y)];
    const delta = mean(x).map((value, j) => value - mean(y)[j]);
    expectClose(fid(x, y), dot(delta, delta) + dot(p, p) + dot(q, q) - 2 * Math.abs(dot(p, q)), { rtol: 1e-12 });
  });

  test('0 for the same set with itself, copies of vectors included', () => {
    const twice = { ...a, count: 80, data: Float32Array.from([...a.data, ...a.data]) };
    expectClose(fid(a, a), 0, { atol: 1e-12 });
    expectClose(fid(twice, twice), 0, { atol: 1e-12 });
  });

  const gaussian1 = (seed: number) => gaussianFeatures(seed, 10, 3);
  const tracePlusMean = (set: FeatureSet) => {
    const { mean, covariance } = statisticsOf(set);
    return mean.reduce((sum, value, j) => sum + value ** 2 + covariance[4 * j], 0);
  };
});

describe('moments', () => {
  test('of nothing merge into either side as if they were not there', () => {
    const none = createMoments(5);
    for (const merged of [mergeMoments(none, momentsOf(a)), mergeMoments(momentsOf(a), none)]) {
      expect(finishMoments(merged)).toEqual(statisticsOf(a));
    }
    expect(mergeMoments(none, createMoments(5))).toEqual(none);
    expect(() => finishMoments(mergeMoments(none, none))).toThrow(
      'moments: expected at least 2 vectors for a covariance, got 0',
    );
  });

  test('of one vector at a time are those of all', () => {
    const [first, rest] = splitRows(a, 1);
    const merged = finishMoments(mergeMoments(momentsOf(first), momentsOf(rest)));
    const whole = statisticsOf(a);
    expectClose(merged.covariance, whole.covariance, { rtol: 1e-13, atol: 1e-14 });
    expectClose(merged.mean, whole.mean, { rtol: 1e-13, atol: 1e-15 });
  });

  test('take an empty update, and keep constant features at exactly no variance', () => {
    const moments = momentsOf(same(700, 0.1));
    updateMoments(moments, new Float32Array(0));
    expectClose(finishMoments(moments).covariance, new Float64Array(9), { atol: 1e-30 });
    expectClose(finishMoments(moments).mean, [0.1, 0.1, 0.1], { rtol: 1e-14 });
  });
});

describe('Inception Score', () => {
  test.each<[string, FeatureSet, number]>([
    ['one image', rows(3, 5, -1, 0), 1],
    ['one class', rows(1, 3, 4, 5), 1],
    ['equal rows', { data: new Float64Array(60).fill(0.3), count: 20, dims: 3 }, 1],
    ['probabilities of 0: a class an image', rows(3, 2000, 0, 0, 0, 2000, 0, 0, 0, 2000), 3],
    ['logits far from 0', rows(2, 1e30, -1e30, -1e30, 1e30), 2],
    ['huge equal logits', rows(2, 1e300, 1e300, -1e300, -1e300), 1],
  ])('%s', (_, logits, expected) => {
    const { mean, std } = inceptionScore(logits);
    expectClose(mean, expected, { rtol: 1e-14 });
    expect(mean).toBeGreaterThanOrEqual(1);
    expect(mean).toBeLessThanOrEqual(logits.dims);
    expect(std).toBe(0);
  });
});

describe('precision and recall', () => {
  test('700 samples against 900, and the other way round', () => {
    const [x, y] = [gaussianFeatures(1, 700, 3, 0.2), gaussianFeatures(2, 900, 3)];
    const found = precisionRecall(x, y);
    const squared = (p: FeatureSet, i: number, q: FeatureSet, j: number) =>
      [0, 1, 2].reduce((sum, c) => sum + (p.data[3 * i + c] - q.data[3 * j + c]) ** 2, 0);
    const indices = (set: FeatureSet) => Array.from({ length: set.count }, (_, i) => i);
    const radii = (set: FeatureSet) =>
      indices(set).map(
        (i) =>
          indices(set)
            .map((j) => squared(set, i, set, j))
            .sort((p, q) => p - q)[3],
      );
    const [rx, ry] = [radii(x), radii(y)];
    const precision = indices(x).filter((i) => indices(y).some((j) => squared(x, i, y, j) <= ry[j])).length / 700;
    const recall = indices(y).filter((j) => indices(x).some((i) => squared(x, i, y, j) <= rx[i])).length / 900;
    expect(found).toMatchObject({ precision, recall });
    expect(precisionRecall(y, x)).toMatchObject({ precision: recall, recall: precision });
  });

  test.each([1e4, 1e8, -1e10])('moved by %d: the same', (by) => {
    const near = precisionRecall(b, a);
    expect(near.precision).toBeGreaterThan(0);
    expect(precisionRecall(shifted(b, by), shifted(a, by))).toEqual(near);
  });

  test('all alike: 1, or 0 where the values differ', () => {
    expect(precisionRecall(same(4, 7), same(6, 7))).toEqual({ precision: 1, recall: 1, fScore: 1 });
    expect(precisionRecall(same(4, 7), same(6, 7.5))).toEqual({ precision: 0, recall: 0, fScore: 0 });
  });

  test('copies among the vectors: their balls have radius 0 and hold the copies', () => {
    const copies = rows(1, 0, 0, 0, 0, 1, 1, 1, 1);
    expect(precisionRecall(rows(1, 0, 1, 0, 1), copies)).toMatchObject({ precision: 1 });
    expect(precisionRecall(rows(1, 0.5, 0.25, 0.75, 2), copies)).toMatchObject({ precision: 0 });
  });

  test('a vector on the boundary is inside, whichever set it is of', () => {
    const values = gaussianFeatures(9, 12, 7).data;
    const set = { data: values, count: 12, dims: 7 };
    for (let k = 1; k < 12; k++) {
      // one sample: the reference's own vectors; every neighbour that sets a radius is a sample, too
      expect(precisionRecall(set, set, { neighbors: k })).toMatchObject({ precision: 1, recall: 1 });
    }
  });

  test.each([11, 12, 100])('%i neighbours of 11 vectors are refused by name', (neighbors) => {
    const set = gaussianFeatures(1, 11, 2);
    expect(() => precisionRecall(set, set, { neighbors })).toThrow(
      `samples: expected at least neighbors + 1 = ${neighbors + 1} vectors, got 11`,
    );
  });
});

describe('kernel distance', () => {
  test.each([0, 1, 1e4])('constant features of value %f', (value) => {
    expectClose(kernelDistance(same(5, value), same(7, value), { subsetSize: 'all' }).mean, 0, { atol: 1e-9 });
  });

  test('constant features that differ: (k(x, x) + k(y, y) - 2 k(x, y))', () => {
    const expected = (4 + 1) ** 3 + (9 + 1) ** 3 - 2 * (6 + 1) ** 3;
    expectClose(kernelDistance(same(5, 2), same(7, 3), { subsetSize: 'all' }).mean, expected, { rtol: 1e-12 });
  });

  test.each<[number, number, string]>([
    [1, 5, 'samples'],
    [5, 1, 'reference'],
    [0, 5, 'samples'],
  ])('%i against %i vectors', (m, n, name) => {
    expect(() => kernelDistance(same(m, 0), same(n, 0), { subsetSize: 'all' })).toThrow(
      `${name}: expected at least 2 vectors`,
    );
  });

  test('what overflows says so', () => {
    expect(() => kernelDistance(same(5, 1e150), same(5, 1), { subsetSize: 'all' })).toThrow('overflows float64');
  });

  test('a number of subsets does not go with all vectors', () => {
    expect(() => kernelDistance(a, b, { subsetSize: 'all', subsets: 3 })).toThrow(
      "subsets: expected none with subsetSize 'all', got 3",
    );
  });
});
