import { kernelDistance } from '@learngene/metrics';
import { createGenerator, normal } from '@learngene/random';
import { expect, test } from 'vitest';
import { kernelDistanceByClass } from './kernel-distance-by-class';

const DIMS = 3;

/** Vectors of two classes: the first of class 4, as many of class 5 after them. */
function vectors(seed: number, each: number, shift = 0) {
  const values = normal(createGenerator(seed), 2 * each * DIMS);
  const features = Array.from({ length: 2 * each }, (_, i) =>
    Float32Array.from(values.slice(i * DIMS, (i + 1) * DIMS), (value) => value + shift),
  );
  return { features, classes: Array.from({ length: 2 * each }, (_, i) => (i < each ? 4 : 5)) };
}

const flat = (rows: Float32Array[]) => ({
  data: Float32Array.from(rows.flatMap((row) => [...row])),
  count: rows.length,
  dims: DIMS,
});

test('is the mean of the kernel distances in each class', () => {
  const [samples, reals] = [vectors(1, 4, 0.5), vectors(2, 6)];
  const each = [0, 1].map(
    (k) =>
      kernelDistance(flat(samples.features.slice(4 * k, 4 * k + 4)), flat(reals.features.slice(6 * k, 6 * k + 6)), {
        subsetSize: 'all',
      }).mean,
  );
  expect(kernelDistanceByClass(samples, reals)).toBeCloseTo((each[0] + each[1]) / 2, 12);
});

test('is 0 on average for few images like the reals, and above 0 for others', () => {
  const mean = (shift: number) => {
    const values = Array.from({ length: 200 }, (_, i) =>
      kernelDistanceByClass(vectors(2 * i, 3, shift), vectors(2 * i + 1, 3)),
    );
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length);
    return average / (spread / Math.sqrt(values.length)); // in standard errors
  };
  expect(Math.abs(mean(0))).toBeLessThan(3);
  expect(mean(1)).toBeGreaterThan(6);
});

test.each<[string, number, number]>([
  ['sample', 1, 4],
  ['real image', 4, 1],
])('is none where a class has one %s', (_, samples, reals) => {
  expect(kernelDistanceByClass(vectors(1, samples), vectors(2, reals))).toBeNaN();
});
