import { checkFeatureSet, checkInteger, checkSameDims, spread } from './check';
import { numpyChoice, numpyRandomState } from './numpy-random-state';
import { productNT } from './product';
import type { FeatureSet, ScoreSpread } from './types';

/** Settings of {@link kernelDistance}; the defaults are torch-fidelity's and those of the paper. */
export interface KernelDistanceOptions {
  /** Number of random subsets (default 100). */
  readonly subsets?: number;
  /** Vectors a subset (default 1000); at least 2. */
  readonly subsetSize?: number;
  /** Degree of the polynomial kernel (default 3). */
  readonly degree?: number;
  /** Factor of the inner product (default 1 / dims). */
  readonly gamma?: number;
  /** Constant of the kernel (default 1). */
  readonly coef0?: number;
  /** Seed of `np.random.RandomState`, which draws the subsets (default 2020). */
  readonly seed?: number;
}

interface Kernel {
  readonly degree: number;
  readonly gamma: number;
  readonly coef0: number;
}

/** Largest kernel matrix of all vectors that is kept whole, in values (256 MB). */
const WHOLE_LIMIT = 2 ** 25;

/**
 * Kernel Inception Distance (Bińkowski et al. 2018): the unbiased estimate of MMD² with the kernel
 * (γ ⟨x, y⟩ + c)^degree, mean and standard deviation over random subsets, in float64. The subsets are those that
 * torch-fidelity draws (`RandomState(2020).choice(n, size, replace=False)`, first of `samples`, then of `reference`),
 * so its figures are met to rounding. Values slightly below 0 are valid.
 *
 * @throws RangeError on NaN or infinity, dims that differ, or fewer vectors than a subset takes.
 */
export function kernelDistance(
  samples: FeatureSet,
  reference: FeatureSet,
  options: KernelDistanceOptions = {},
): ScoreSpread {
  const { subsets = 100, subsetSize = 1000, degree = 3, gamma = 1 / samples.dims, coef0 = 1, seed = 2020 } = options;
  checkFeatureSet('samples', samples);
  checkFeatureSet('reference', reference);
  checkSameDims('samples', samples, 'reference', reference);
  checkInteger('subsets', subsets, 1);
  checkInteger('subsetSize', subsetSize, 2);
  for (const [name, { count }] of [['samples', samples] as const, ['reference', reference] as const]) {
    if (count < subsetSize)
      throw new RangeError(`${name}: expected at least subsetSize ${subsetSize} vectors, got ${count}`);
  }
  const kernel = { degree, gamma, coef0 };
  const total = samples.count + reference.count;
  const whole = total ** 2 <= Math.min(WHOLE_LIMIT, subsets * (2 * subsetSize) ** 2);
  const estimate = whole ? wholeEstimator(samples, reference, kernel) : subsetEstimator(samples, reference, kernel);
  const state = numpyRandomState(seed);
  const values = new Float64Array(subsets);
  for (let i = 0; i < subsets; i++) {
    const rows = numpyChoice(state, samples.count, subsetSize);
    values[i] = estimate(rows, numpyChoice(state, reference.count, subsetSize));
  }
  return spread(values);
}

type Estimator = (samples: Int32Array, reference: Int32Array) => number;

/** Kernel of all pairs once, subsets picked from it. */
function wholeEstimator(samples: FeatureSet, reference: FeatureSet, kernel: Kernel): Estimator {
  const size = samples.count + reference.count;
  const all = new Float64Array(size * samples.dims);
  all.set(samples.data);
  all.set(reference.data, samples.data.length);
  const matrix = kernelMatrix(all, size, samples.dims, kernel);
  return (x, y) =>
    unbiasedMmd(
      matrix,
      size,
      x,
      y.map((row) => row + samples.count),
    );
}

/** Kernel of one subset at a time. */
function subsetEstimator(samples: FeatureSet, reference: FeatureSet, kernel: Kernel): Estimator {
  const { dims } = samples;
  return (x, y) => {
    const m = x.length;
    const picked = new Float64Array(2 * m * dims);
    for (let i = 0; i < m; i++) {
      picked.set(samples.data.subarray(x[i] * dims, (x[i] + 1) * dims), i * dims);
      picked.set(reference.data.subarray(y[i] * dims, (y[i] + 1) * dims), (m + i) * dims);
    }
    const own = Int32Array.from({ length: m }, (_, i) => i);
    return unbiasedMmd(
      kernelMatrix(picked, 2 * m, dims, kernel),
      2 * m,
      own,
      own.map((i) => i + m),
    );
  };
}

/** k(x_i, x_j) for j >= i of the rows of `x`. */
function kernelMatrix(x: Float64Array, size: number, dims: number, { degree, gamma, coef0 }: Kernel): Float64Array {
  const matrix = new Float64Array(size * size);
  productNT({ a: x, rows: size, b: x, cols: size, depth: dims, upper: true }, matrix);
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const base = gamma * matrix[i * size + j] + coef0;
      matrix[i * size + j] = degree === 3 ? base * base * base : base ** degree;
    }
  }
  return matrix;
}

/** Σ_{i≠j} k(x_i, x_j) / (m(m-1)) + the same of y - 2 Σ k(x_i, y_j) / m²; every x stands before every y. */
function unbiasedMmd(matrix: Float64Array, size: number, x: Int32Array, y: Int32Array): number {
  const m = x.length;
  let cross = 0;
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) cross += matrix[x[i] * size + y[j]];
  return (2 * (pairSum(matrix, size, x) + pairSum(matrix, size, y))) / (m * (m - 1)) - (2 * cross) / (m * m);
}

/** Σ_{i<j} k(z_i, z_j). */
function pairSum(matrix: Float64Array, size: number, rows: Int32Array): number {
  const sorted = rows.slice().sort();
  let sum = 0;
  for (let i = 0; i < sorted.length; i++) {
    const at = sorted[i] * size;
    for (let j = i + 1; j < sorted.length; j++) sum += matrix[at + sorted[j]];
  }
  return sum;
}
