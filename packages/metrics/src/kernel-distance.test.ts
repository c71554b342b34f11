import { expectClose } from '@learngene/testing';
import { expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { kernelDistance } from './kernel-distance';
import type { FeatureSet } from './types';

// 20 subsets of 30 are picked from one kernel matrix of all 110 vectors, 2 of 20 are computed one by one.
test.each(reference.kid)(
  "torch-fidelity's figures on its own $subsets subsets of $subsetSize",
  ({ subsets, subsetSize, mean, std }) => {
    const kid = kernelDistance(featureSet('b'), featureSet('a'), { subsets, subsetSize });
    expectClose([kid.mean, kid.std], [mean, std], { rtol: 1e-12, atol: 0 });
  },
);

test('all vectors: one unbiased estimate of sets of any sizes, exact also far from the origin', () => {
  const [b, a] = [featureSet('b'), featureSet('a')]; // 50 and 60 vectors
  const { exact, exactFar, torchFidelityEqual } = reference.kidAll;
  const found = kernelDistance(b, a, { subsetSize: 'all' });
  expect(found.std).toBe(0);
  expectClose(found.mean, exact, { rtol: 1e-12, atol: 0 });
  const far = (set: FeatureSet) => ({ ...set, data: set.data.map((value) => value + 1e4) });
  expectClose(kernelDistance(far(b), far(a), { subsetSize: 'all' }).mean, exactFar, { rtol: 1e-12, atol: 0 });
  const first = { ...a, count: 50, data: a.data.slice(0, 50 * a.dims) };
  expectClose(kernelDistance(b, first, { subsetSize: 'all' }).mean, torchFidelityEqual, { rtol: 1e-12, atol: 0 });
  expectClose(kernelDistance(b, first, { subsets: 1, subsetSize: 50 }).mean, torchFidelityEqual, { rtol: 1e-12 });
});

test.each([1, 2, 3, 4])('700 samples against 900 with degree %i: the definition, term by term', (degree) => {
  const [x, y] = [gaussianFeatures(1, 700, 2, 0.1), gaussianFeatures(2, 900, 2)];
  const kernel = (a: FeatureSet, i: number, b: FeatureSet, j: number) =>
    (0.5 * (a.data[2 * i] * b.data[2 * j] + a.data[2 * i + 1] * b.data[2 * j + 1]) + 1) ** degree;
  const mean = (a: FeatureSet, b: FeatureSet) => {
    let [sum, pairs] = [0, 0];
    for (let i = 0; i < a.count; i++) {
      for (let j = 0; j < b.count; j++) {
        if (a === b && i === j) continue;
        sum += kernel(a, i, b, j);
        pairs++;
      }
    }
    return sum / pairs;
  };
  const expected = mean(x, x) + mean(y, y) - 2 * mean(x, y);
  const found = kernelDistance(x, y, { subsetSize: 'all', degree, coef0: 1, gamma: 0.5 });
  expectClose(found.mean, expected, { rtol: 1e-9, atol: 1e-12 });
  expectClose(kernelDistance(y, x, { subsetSize: 'all', degree, gamma: 0.5 }).mean, expected, {
    rtol: 1e-9,
    atol: 1e-12,
  });
});

test('degree, gamma and coef0: a linear kernel measures the distance of the means', () => {
  const [a, b] = [gaussianFeatures(1, 200, 3), gaussianFeatures(2, 200, 3, 2)];
  const { mean } = kernelDistance(a, b, { subsets: 1, subsetSize: 200, degree: 1, gamma: 1, coef0: 0 });
  expectClose(mean, 12, { rtol: 0.15 });
});

test('unbiased: near 0 for one distribution, above for another', () => {
  const options = { subsets: 20, subsetSize: 50 };
  const reference = gaussianFeatures(1, 300, 8);
  const same = kernelDistance(gaussianFeatures(2, 300, 8), reference, options);
  const other = kernelDistance(gaussianFeatures(3, 300, 8, 1), reference, options);
  expect(Math.abs(same.mean)).toBeLessThan(2 * same.std);
  expect(other.mean).toBeGreaterThan(4 * other.std);
});

test('refusals', () => {
  const a = gaussianFeatures(1, 10, 3);
  expect(() => kernelDistance(a, a)).toThrow('samples: expected at least subsetSize 1000 vectors, got 10');
  expect(() => kernelDistance(a, gaussianFeatures(1, 10, 4), { subsetSize: 5 })).toThrow('expected 3 dims');
  expect(() => kernelDistance(a, a, { subsetSize: 1 })).toThrow('subsetSize: expected an integer of at least 2, got 1');
  expect(() => kernelDistance({ ...a, count: 9 }, a, { subsetSize: 5 })).toThrow(
    'samples: expected [9, 3] = 27 values, got 30',
  );
});
