import { expectClose } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { frechetDistance } from './frechet-distance';
import { createMoments, finishMoments, updateMoments } from './moments';
import type { FeatureSet, MomentStatistics } from './types';

function statistics({ data, dims }: FeatureSet): MomentStatistics {
  const moments = createMoments(dims);
  updateMoments(moments, data);
  return finishMoments(moments);
}

function diagonal(mean: number[], variances: number[]): MomentStatistics {
  const dims = mean.length;
  const covariance = new Float64Array(dims * dims);
  variances.forEach((value, i) => {
    covariance[i * (dims + 1)] = value;
  });
  return { mean: Float64Array.from(mean), covariance };
}

/** Rotates the vectors of a set by Givens rotations in all neighbouring planes. */
function rotate({ data, count, dims }: FeatureSet): FeatureSet {
  const out = Float64Array.from(data);
  for (let axis = 0; axis + 1 < dims; axis++) {
    const [c, s] = [Math.cos(1 + axis), Math.sin(1 + axis)];
    for (let row = 0; row < count; row++) {
      const at = row * dims + axis;
      [out[at], out[at + 1]] = [c * out[at] - s * out[at + 1], s * out[at] + c * out[at + 1]];
    }
  }
  return { data: out, count, dims };
}

describe('agreement with numpy, scipy and torch-fidelity', () => {
  test('full rank', () => {
    const distance = frechetDistance(statistics(featureSet('a')), statistics(featureSet('b')));
    expectClose(distance, reference.fid['a-b'].scipy, { rtol: 1e-12, atol: 0 });
    expectClose(distance, reference.fid['a-b'].torchFidelity, { rtol: 1e-12, atol: 0 });
  });

  test('rank-deficient: 1e-6 of the references, whose own square roots keep 8 digits', () => {
    const distance = frechetDistance(statistics(featureSet('a')), statistics(featureSet('few')));
    expectClose(distance, reference.fid['a-few'].scipy, { rtol: 1e-6, atol: 0 });
    expectClose(distance, reference.fid['a-few'].torchFidelity, { rtol: 1e-6, atol: 0 });
  });

  test('both rank-deficient: the 60-digit value', () => {
    const distance = frechetDistance(statistics(featureSet('few')), statistics(featureSet('few2')));
    expectClose(distance, reference.fid['few-few2'].exact, { rtol: 1e-12, atol: 0 });
  });
});

describe('laws', () => {
  test.each(['a', 'b', 'few'] as const)('a set has distance 0 from itself (%s)', (name) => {
    expect(frechetDistance(statistics(featureSet(name)), statistics(featureSet(name)))).toBeLessThan(1e-12);
  });

  test('equal covariances leave the squared distance of the means', () => {
    const a = statistics(featureSet('a'));
    expectClose(frechetDistance(a, { ...a, mean: a.mean.map((x) => x + 1) }), 12, { rtol: 1e-12 });
  });

  test('commuting covariances: Σ (√λ - √μ)²', () => {
    const distance = frechetDistance(diagonal([0, 0, 1], [1, 4, 0]), diagonal([0, 2, 1], [9, 0, 16]));
    expectClose(distance, 4 + 4 + 4 + 16, { rtol: 1e-14 });
  });

  test('symmetric, and invariant under a rotation of both sets', () => {
    const [a, b] = [featureSet('a'), featureSet('b')];
    const distance = frechetDistance(statistics(a), statistics(b));
    expectClose(frechetDistance(statistics(b), statistics(a)), distance, { rtol: 1e-12 });
    expectClose(frechetDistance(statistics(rotate(a)), statistics(rotate(b))), distance, { rtol: 1e-11 });
  });

  test('epsilon enters under the root only', () => {
    const one = diagonal([0, 0], [1, 1]);
    expectClose(
      frechetDistance(one, diagonal([0, 0], [0, 0]), { epsilon: 1e-6 }),
      2 - 4 * Math.sqrt(1e-6 * (1 + 1e-6)),
      {
        rtol: 1e-12,
      },
    );
  });
});

test('statistics rounded to float32 are projected to the nearest semidefinite matrix', () => {
  const few = statistics(gaussianFeatures(1, 5, 12));
  const rounded = { ...few, covariance: Float64Array.from(Float32Array.from(few.covariance)) };
  expect(frechetDistance(few, rounded)).toBeLessThan(1e-5);
});

describe('refusals', () => {
  const good = diagonal([0, 0], [1, 1]);
  test.each<[string, MomentStatistics, string]>([
    ['dims', diagonal([0], [1]), 'b: expected 2 dims as a, got 1'],
    ['NaN', diagonal([0, Number.NaN], [1, 1]), 'b.mean: expected finite values, got NaN'],
    ['infinity', diagonal([0, 0], [1, Number.POSITIVE_INFINITY]), 'b.covariance: expected finite values, got Infinity'],
    ['sizes', { mean: new Float64Array(2), covariance: new Float64Array(3) }, 'expected [2, 2] = 4 values, got 3'],
    ['indefinite', { mean: new Float64Array(2), covariance: Float64Array.of(1, 2, 2, 1) }, 'positive semidefinite'],
    [
      'asymmetric',
      { mean: new Float64Array(2), covariance: Float64Array.of(1, 0, 1, 1) },
      'expected a symmetric matrix',
    ],
    ['overflow', diagonal([1e200, 0], [1, 1]), 'overflows float64'],
  ])('%s', (_, bad, message) => {
    expect(() => frechetDistance(good, bad)).toThrow(message);
  });

  test('epsilon', () => {
    expect(() => frechetDistance(good, good, { epsilon: -1 })).toThrow(
      'epsilon: expected a number of at least 0, got -1',
    );
  });
});
