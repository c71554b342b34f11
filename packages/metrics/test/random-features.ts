import { createGenerator, normal } from '@learngene/random';
import type { FeatureSet } from '../src/index';

/** [count, dims] seeded Gaussian vectors, shifted by `mean`. */
export function gaussianFeatures(seed: number, count: number, dims: number, mean = 0): FeatureSet {
  return { data: normal(createGenerator(seed), count * dims, { mean }), count, dims };
}

/** The first `rows` rows and the rest. */
export function splitRows({ data, count, dims }: FeatureSet, rows: number): [FeatureSet, FeatureSet] {
  return [
    { data: data.slice(0, rows * dims), count: rows, dims },
    { data: data.slice(rows * dims), count: count - rows, dims },
  ];
}
