import { expectClose } from '@learngene/testing';
import { expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { kernelDistance } from './kernel-distance';

// 20 subsets of 30 are picked from one kernel matrix of all 110 vectors, 2 of 20 are computed one by one.
test.each(reference.kid)(
  "torch-fidelity's figures on its own $subsets subsets of $subsetSize",
  ({ subsets, subsetSize, mean, std }) => {
    const kid = kernelDistance(featureSet('b'), featureSet('a'), { subsets, subsetSize });
    expectClose([kid.mean, kid.std], [mean, std], { rtol: 1e-12, atol: 0 });
  },
);

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
