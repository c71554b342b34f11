import { expectClose } from '@learngene/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gaussianFeatures, splitRows } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { createMoments, finishMoments, mergeMoments, updateMoments } from './moments';

function momentsOf(...parts: (Float32Array | Float64Array)[]) {
  const moments = createMoments(reference.dims);
  for (const part of parts) updateMoments(moments, part);
  return moments;
}

test('mean and covariance equal numpy', () => {
  const { mean, covariance, count } = finishMoments(momentsOf(featureSet('a').data));
  expectClose(mean, reference.moments.mean, { rtol: 1e-13, atol: 1e-15 });
  expectClose(covariance, reference.moments.covariance, { rtol: 1e-12, atol: 1e-15 });
  expect(count).toBe(60);
});

test('any split of the data, updated or merged, gives the same moments', () => {
  const a = featureSet('a');
  const whole = finishMoments(momentsOf(a.data));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }), (x, y) => {
      const [head, rest] = splitRows(a, Math.min(x, y));
      const [middle, tail] = splitRows(rest, Math.max(x, y) - Math.min(x, y));
      const streamed = momentsOf(head.data, middle.data, tail.data);
      const merged = mergeMoments(mergeMoments(momentsOf(head.data), momentsOf(middle.data)), momentsOf(tail.data));
      for (const moments of [streamed, merged]) {
        const { mean, covariance, count } = finishMoments(moments);
        expect(count).toBe(60);
        expectClose(mean, whole.mean, { rtol: 1e-12, atol: 1e-14 });
        expectClose(covariance, whole.covariance, { rtol: 1e-12, atol: 1e-14 });
      }
    }),
    { numRuns: 40, seed: 1 },
  );
});

test('batches larger than a block, dims that are no multiple of 4', () => {
  const { data, count, dims } = gaussianFeatures(3, 600, 7);
  const moments = createMoments(dims);
  updateMoments(moments, data);
  const { covariance, mean } = finishMoments(moments);
  const expected = new Float64Array(dims * dims);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < dims; i++) {
      for (let j = 0; j < dims; j++) {
        expected[i * dims + j] += ((data[r * dims + i] - mean[i]) * (data[r * dims + j] - mean[j])) / (count - 1);
      }
    }
  }
  expectClose(covariance, expected, { rtol: 1e-11, atol: 1e-13 });
});

test('an offset of 1e6 costs no digits', () => {
  const { data, dims } = gaussianFeatures(4, 100, 5);
  const far = Float64Array.from(data, (value) => value + 1e6);
  const [near, shifted] = [data, far].map((part) => {
    const moments = createMoments(dims);
    for (let i = 0; i < 100; i += 10) updateMoments(moments, part.subarray(i * dims, (i + 10) * dims));
    return finishMoments(moments).covariance;
  });
  expectClose(shifted, near, { rtol: 0, atol: 1e-8 });
});

test('wrong sizes, NaN and too few vectors are refused and leave the moments as they were', () => {
  const moments = createMoments(2);
  expect(() => updateMoments(moments, new Float32Array(3))).toThrow('features: expected [n, 2], got 3 values');
  expect(() => updateMoments(moments, Float32Array.of(1, 2, 3, Number.NaN))).toThrow('got NaN in row 1, column 1');
  expect(moments.count).toBe(0);
  updateMoments(moments, Float32Array.of(1, 2));
  expect(() => finishMoments(moments)).toThrow('expected at least 2 vectors for a covariance, got 1');
  expect(() => createMoments(0)).toThrow('dims: expected an integer of at least 1, got 0');
  expect(() => mergeMoments(moments, createMoments(3))).toThrow('b: expected 2 dims as a, got 3');
});
