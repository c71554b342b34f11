import { expectClose } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { frechetDistance } from './frechet-distance';
import { frechetDistanceOfSets } from './frechet-distance-of-sets';
import { createMoments, finishMoments, updateMoments } from './moments';
import type { FeatureSet } from './types';

function moments({ data, dims }: FeatureSet) {
  const gathered = createMoments(dims);
  updateMoments(gathered, data);
  return finishMoments(gathered);
}

test('agrees with numpy and scipy', () => {
  const { scipy } = reference.fid['a-b'];
  expectClose(frechetDistanceOfSets(featureSet('a'), featureSet('b')), scipy, { rtol: 1e-10, atol: 0 });
  const { exact } = reference.fid['few-few2'];
  expectClose(frechetDistanceOfSets(featureSet('few'), featureSet('few2')), exact, { rtol: 1e-10, atol: 0 });
});

test.each([
  [5, 9, 40],
  [30, 12, 40],
  [60, 50, 7],
  [2, 2, 1],
])('%i and %i vectors of %i numbers: the distance of their moments', (countA, countB, dims) => {
  const a = gaussianFeatures(1, countA, dims);
  const b = gaussianFeatures(2, countB, dims, 0.7);
  const expected = frechetDistance(moments(a), moments(b));
  expectClose(frechetDistanceOfSets(a, b), expected, { rtol: 1e-10, atol: 0 });
});

test('a set has distance 0 from itself, and repeated rows count as often as they stand there', () => {
  const a = gaussianFeatures(3, 8, 20);
  expect(frechetDistanceOfSets(a, a)).toBeLessThan(1e-12);
  const twice = { ...a, count: 16, data: Float64Array.of(...a.data, ...a.data) };
  expectClose(frechetDistanceOfSets(twice, a), frechetDistance(moments(twice), moments(a)), {
    rtol: 1e-8,
    atol: 1e-12,
  });
});

describe('refusals', () => {
  const good = gaussianFeatures(1, 4, 3);
  test.each<[string, FeatureSet, string]>([
    ['dims', gaussianFeatures(1, 4, 2), 'b: expected 3 dims as a, got 2'],
    ['one vector', gaussianFeatures(1, 1, 3), 'b: expected at least 2 vectors for a covariance, got 1'],
    ['NaN', { ...good, data: good.data.map(() => Number.NaN) }, 'b: expected finite values, got NaN'],
    ['overflow', { ...good, data: Float64Array.from(good.data, (x) => x * 1e200) }, 'overflows float64'],
  ])('%s', (_, bad, message) => {
    expect(() => frechetDistanceOfSets(good, bad)).toThrow(message);
  });
  test('an option', () => {
    const of = frechetDistanceOfSets as (...values: unknown[]) => number;
    expect(() => of(good, good, { epsilon: 1 })).toThrow('expected 2 arguments, got 3');
  });
});
