import { createGenerator, randomIntegers } from '@learngene/random';

/** Mean and standard deviation of some values. */
export interface Spread {
  /** Values that are finite. */
  count: number;
  /** Values that are not: runs that diverged. */
  notFinite: number;
  /** Mean of the finite values; null without one. */
  mean: number | null;
  /** Sample standard deviation (divisor count - 1); null with fewer than two values. */
  deviation: number | null;
}

/** Lower and upper end. */
export type Interval = readonly [number, number];

const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation, divisor n - 1. */
function sampleDeviation(values: readonly number[]): number {
  const mean = average(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Mean and standard deviation; what is not finite is counted and left out. */
export function spread(values: readonly number[]): Spread {
  const finite = values.filter(Number.isFinite);
  return {
    count: finite.length,
    notFinite: values.length - finite.length,
    mean: finite.length === 0 ? null : average(finite),
    deviation: finite.length < 2 ? null : sampleDeviation(finite),
  };
}

/** The value below which a share of the values lies, linear between neighbours (numpy's default). */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** The middle value; NaN without one. */
export function median(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : quantile(Float64Array.from(values).sort(), 0.5);
}

/** The means of resamples: `indices` holds one resample of `values.length` places after another. */
export function resampledMeans(values: readonly number[], indices: ArrayLike<number>): Float64Array {
  const n = values.length;
  const means = new Float64Array(indices.length / n);
  for (let i = 0; i < means.length; i++) {
    let sum = 0;
    for (let j = i * n; j < (i + 1) * n; j++) sum += values[indices[j]];
    means[i] = sum / n;
  }
  return means;
}

/** The percentile interval of resampled means (Efron 1979): the middle `confidence` of them. */
export function percentileInterval(means: Float64Array, confidence: number): Interval {
  const sorted = Float64Array.from(means).sort();
  return [quantile(sorted, (1 - confidence) / 2), quantile(sorted, (1 + confidence) / 2)];
}

/** Settings of {@link bootstrapInterval}. */
export interface BootstrapOptions {
  /** Share of resampled means inside (default 0.95). */
  confidence?: number;
  /** Number of resamples (default 10,000). */
  resamples?: number;
  /** Seed of the resamples (default 0), so that a report repeats to the last digit. */
  seed?: number;
}

const drawn = new Map<string, Int32Array>();

/** The places that resamples of n values draw; kept, since all comparisons of n pairs use the same. */
function resamplePlaces(n: number, resamples: number, seed: number): Int32Array {
  const key = `${n} ${resamples} ${seed}`;
  const places = drawn.get(key) ?? randomIntegers(createGenerator(seed), n * resamples, { high: n });
  drawn.set(key, places);
  return places;
}

/**
 * Percentile bootstrap interval of the mean of paired differences: pairs are resampled as wholes, which for the mean of
 * differences is to resample the differences. Undefined with fewer than two pairs.
 */
export function bootstrapInterval(
  differences: readonly number[],
  { confidence = 0.95, resamples = 10_000, seed = 0 }: BootstrapOptions = {},
): Interval | undefined {
  const n = differences.length;
  if (n < 2) return undefined;
  return percentileInterval(resampledMeans(differences, resamplePlaces(n, resamples, seed)), confidence);
}

// Student's t, 97.5 %, for 1, 2, ... 30 degrees of freedom.
const STUDENT_TABLE = [
  12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814, 2.20099, 2.17881, 2.16037,
  2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596, 2.07961, 2.07387, 2.06866, 2.0639, 2.05954, 2.05553,
  2.05183, 2.04841, 2.04523, 2.04227,
];

/** The 97.5 % point of Student's t; beyond the table by two terms of its expansion in 1/df (error below 1e-4). */
export function studentPoint(degrees: number): number {
  if (degrees <= STUDENT_TABLE.length) return STUDENT_TABLE[degrees - 1];
  const z = 1.959964;
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}

/** The 95 % interval of the mean of paired differences by Student's t. Undefined with fewer than two pairs. */
export function studentInterval(differences: readonly number[]): Interval | undefined {
  const n = differences.length;
  if (n < 2) return undefined;
  const half = (studentPoint(n - 1) * sampleDeviation(differences)) / Math.sqrt(n);
  const mean = average(differences);
  return [mean - half, mean + half];
}
