import { readFixture } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import {
  bootstrapInterval,
  type Interval,
  median,
  percentileInterval,
  resampledMeans,
  spread,
  studentInterval,
  studentPoint,
} from './statistics';

interface Fixture {
  cases: {
    theirs: number[];
    kind: number[];
    indices: number[];
    interval: Interval;
    converged: Interval;
    student: Interval;
    mean: number;
    deviation: number;
  }[];
  studentPoints: [number, number][];
}

const { cases, studentPoints } = readFixture<Fixture>(import.meta.url, '../fixtures/statistics.json');

describe.each(cases.map((one) => ({ ...one, differences: one.theirs.map((value, i) => value - one.kind[i]) })))(
  '$differences.length pairs, against scipy',
  ({ differences, indices, interval, converged, student, mean, deviation }) => {
    test('mean and standard deviation', () => {
      const ours = spread(differences);
      expect(ours.mean).toBeCloseTo(mean, 12);
      expect(ours.deviation).toBeCloseTo(deviation, 12);
    });
    test('the percentile interval of the resamples that scipy drew', () => {
      const ours = percentileInterval(resampledMeans(differences, indices), 0.95);
      for (const end of [0, 1]) expect(ours[end]).toBeCloseTo(interval[end], 12);
    });
    test('our own resamples give the interval of many', () => {
      const ours = bootstrapInterval(differences) as Interval;
      for (const end of [0, 1]) expect(Math.abs(ours[end] - converged[end])).toBeLessThan(0.03 * deviation);
    });
    test("Student's interval", () => {
      const ours = studentInterval(differences) as Interval;
      for (const end of [0, 1]) expect(ours[end]).toBeCloseTo(student[end], 4);
    });
  },
);

test("Student's points", () => {
  for (const [degrees, point] of studentPoints) expect(Math.abs(studentPoint(degrees) / point - 1)).toBeLessThan(1e-4);
});

test('the same seed gives the same interval, another seed another', () => {
  const differences = [1, 4, 2, 8, 5, 7];
  expect(bootstrapInterval(differences)).toEqual(bootstrapInterval(differences));
  const few = { resamples: 50 };
  expect(bootstrapInterval(differences, few)).not.toEqual(bootstrapInterval(differences, { ...few, seed: 1 }));
});

test('one pair has no interval', () => {
  expect(bootstrapInterval([1])).toBeUndefined();
  expect(studentInterval([1])).toBeUndefined();
});

test('what is not finite is counted, not averaged', () => {
  expect(spread([1, Number.NaN, 3, Number.POSITIVE_INFINITY])).toEqual({
    count: 2,
    notFinite: 2,
    mean: 2,
    deviation: Math.SQRT2,
  });
  expect(spread([])).toEqual({ count: 0, notFinite: 0, mean: null, deviation: null });
  expect(spread([5]).deviation).toBeNull();
});

test('median', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1])).toBe(2.5);
  expect(median([])).toBeNaN();
});
