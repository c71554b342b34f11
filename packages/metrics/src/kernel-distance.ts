import { checkFeatureSet, checkInteger, checkNames, checkNumber, checkSameDims, spread } from './check';
import { numpyChoice, numpyRandomState } from './numpy-random-state';
import { kernelRows, type PolynomialKernel } from './polynomial-kernel';
import type { FeatureSet, ScoreSpread } from './types';

/** Settings of {@link kernelDistance}; the defaults are torch-fidelity's and those of the paper. */
export interface KernelDistanceOptions {
  /** Number of random subsets (default 100); not together with a `subsetSize` of `'all'`. */
  readonly subsets?: number;
  /**
   * Vectors per subset (default 1000), at least 2. `'all'` makes one estimate over all vectors of both sets, whose
   * sizes may differ; its standard deviation is 0.
   */
  readonly subsetSize?: number | 'all';
  /** Degree of the polynomial kernel (default 3), a positive integer. */
  readonly degree?: number;
  /** Factor of the inner product (default 1 / dims), above 0. */
  readonly gamma?: number;
  /** Constant of the kernel (default 1), at least 0. */
  readonly coef0?: number;
  /** Seed of `np.random.RandomState`, which draws the subsets (default 2020). */
  readonly seed?: number;
}

/** Names of {@link KernelDistanceOptions}. */
export const KERNEL_OPTIONS = ['subsets', 'subsetSize', 'degree', 'gamma', 'coef0', 'seed'];

/** The largest kernel matrix of all vectors that is kept whole, in values (256 MB). */
const WHOLE_LIMIT = 2 ** 25;
/** Rows of the kernel matrix that are computed at a time with `subsetSize: 'all'`. */
const BLOCK_ROWS = 256;

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): the unbiased estimate of MMD² (Gretton et al. 2012, eq. 3) with
 * the kernel (γ ⟨x, y⟩ + c)^degree, mean and standard deviation over random subsets, in float64. The subsets are those
 * that torch-fidelity draws (`RandomState(2020).choice(n, size, replace=False)`, first of `samples`, then of
 * `reference`), so the results agree up to rounding. With `subsetSize: 'all'` it is one estimate over all m samples and
 * n reference vectors. Values slightly below 0 are valid.
 *
 * @throws RangeError on NaN or infinity, dims that differ, fewer vectors than a subset takes, or an option out of
 *   range.
 */
export function kernelDistance(
  samples: FeatureSet,
  reference: FeatureSet,
  options: KernelDistanceOptions = {},
): ScoreSpread {
  checkNames('kernelDistance', options, KERNEL_OPTIONS);
  const { degree = 3, gamma = 1 / samples.dims, coef0 = 1 } = options;
  checkFeatureSet('samples', samples);
  checkFeatureSet('reference', reference);
  checkSameDims('samples', samples, 'reference', reference);
  checkInteger('degree', degree, 1);
  checkNumber('gamma', gamma, 0, false);
  checkNumber('coef0', coef0, 0);
  const sets = { samples, reference, kernel: { degree, gamma, coef0 } };
  const result = options.subsetSize === 'all' ? overAll(sets, options) : overSubsets(sets, options);
  if (!Number.isFinite(result.mean)) throw new RangeError('samples, reference: their kernel overflows float64');
  return result;
}

interface Sets {
  readonly samples: FeatureSet;
  readonly reference: FeatureSet;
  readonly kernel: PolynomialKernel;
}

function checkCounts({ samples, reference }: Sets, least: number, what: string): void {
  for (const [name, { count }] of Object.entries({ samples, reference })) {
    if (count < least) throw new RangeError(`${name}: expected at least ${what} vectors, got ${count}`);
  }
}

/** Makes one estimate from all vectors, block by block, without a whole kernel matrix in memory. */
function overAll(sets: Sets, { subsets }: KernelDistanceOptions): ScoreSpread {
  if (subsets !== undefined) throw new RangeError(`subsets: expected none with subsetSize 'all', got ${subsets}`);
  checkCounts(sets, 2, '2');
  const { samples, reference, kernel } = sets;
  const [m, n] = [samples.count, reference.count];
  const rows = kernelRows(joined(sets), m + n, samples.dims, kernel);
  const sums = { samples: 0, reference: 0, cross: 0 };
  for (let start = 0; start < m + n; start += BLOCK_ROWS) {
    const end = Math.min(m + n, start + BLOCK_ROWS);
    const block = rows(start, end);
    for (let i = start; i < end; i++) {
      const at = (i - start) * (m + n);
      let [before, after] = [0, 0]; // with later samples, with later reference vectors
      for (let j = i + 1; j < m; j++) before += block[at + j];
      for (let j = Math.max(m, i + 1); j < m + n; j++) after += block[at + j];
      sums.samples += before;
      sums[i < m ? 'cross' : 'reference'] += after;
    }
  }
  return { mean: unbiasedMmd(sums, m, n), std: 0 };
}

/** Mean and spread over the subsets that torch-fidelity draws. */
function overSubsets(
  sets: Sets,
  { subsets = 100, subsetSize = 1000, seed = 2020 }: KernelDistanceOptions,
): ScoreSpread {
  checkInteger('subsets', subsets, 1);
  const size = subsetSize as number; // 'all' is not for here
  checkInteger('subsetSize', size, 2);
  checkCounts(sets, size, `subsetSize ${size}`);
  const { samples, reference } = sets;
  const total = samples.count + reference.count;
  const whole = total ** 2 <= Math.min(WHOLE_LIMIT, subsets * (2 * size) ** 2);
  const estimate = whole ? wholeEstimator(sets) : subsetEstimator(sets);
  const state = numpyRandomState(seed);
  const values = new Float64Array(subsets);
  for (let i = 0; i < subsets; i++) {
    const rows = numpyChoice(state, samples.count, size);
    values[i] = estimate(rows, numpyChoice(state, reference.count, size));
  }
  return spread(values);
}

type Estimator = (samples: Int32Array, reference: Int32Array) => number;

/** Computes the kernel of all pairs once, and takes subsets from it. */
function wholeEstimator(sets: Sets): Estimator {
  const { samples, reference, kernel } = sets;
  const size = samples.count + reference.count;
  const matrix = kernelRows(joined(sets), size, samples.dims, kernel)(0, size);
  return (x, y) =>
    mmdOf(
      matrix,
      size,
      x,
      y.map((row) => row + samples.count),
    );
}

/** Computes the kernel of one subset at a time. */
function subsetEstimator({ samples, reference, kernel }: Sets): Estimator {
  const { dims } = samples;
  return (x, y) => {
    const m = x.length;
    const picked = new Float64Array(2 * m * dims);
    for (let i = 0; i < m; i++) {
      picked.set(samples.data.subarray(x[i] * dims, (x[i] + 1) * dims), i * dims);
      picked.set(reference.data.subarray(y[i] * dims, (y[i] + 1) * dims), (m + i) * dims);
    }
    const matrix = kernelRows(picked, 2 * m, dims, kernel)(0, 2 * m);
    const own = Int32Array.from({ length: m }, (_, i) => i);
    return mmdOf(
      matrix,
      2 * m,
      own,
      own.map((i) => i + m),
    );
  };
}

/** All vectors, samples first, in float64. */
function joined({ samples, reference }: Sets): Float64Array {
  const all = new Float64Array(samples.data.length + reference.data.length);
  all.set(samples.data);
  all.set(reference.data, samples.data.length);
  return all;
}

/** Computes the estimate from the rows of a kernel matrix, in which every x comes before every y. */
function mmdOf(matrix: Float64Array, size: number, x: Int32Array, y: Int32Array): number {
  let cross = 0;
  for (let i = 0; i < x.length; i++) {
    let sum = 0;
    for (let j = 0; j < y.length; j++) sum += matrix[x[i] * size + y[j]];
    cross += sum;
  }
  const sums = { samples: pairSum(matrix, size, x), reference: pairSum(matrix, size, y), cross };
  return unbiasedMmd(sums, x.length, y.length);
}

/** Sums of the kernel: over pairs i < j of either set, and over all pairs of a sample and a reference vector. */
interface KernelSums {
  readonly samples: number;
  readonly reference: number;
  readonly cross: number;
}

/** Σ_{i≠j} k(x_i, x_j) / (m(m-1)) + Σ_{i≠j} k(y_i, y_j) / (n(n-1)) - 2 Σ k(x_i, y_j) / (mn). */
function unbiasedMmd({ samples, reference, cross }: KernelSums, m: number, n: number): number {
  return (2 * samples) / (m * (m - 1)) + (2 * reference) / (n * (n - 1)) - (2 * cross) / (m * n);
}

/** Σ_{i<j} k(z_i, z_j). */
function pairSum(matrix: Float64Array, size: number, rows: Int32Array): number {
  const sorted = rows.slice().sort();
  let total = 0;
  for (let i = 0; i < sorted.length; i++) {
    const at = sorted[i] * size;
    let sum = 0;
    for (let j = i + 1; j < sorted.length; j++) sum += matrix[at + sorted[j]];
    total += sum;
  }
  return total;
}
