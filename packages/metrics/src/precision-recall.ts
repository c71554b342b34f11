import { checkFeatureSet, checkInteger, checkNames, checkSameDims } from './check';
import { dot, productNT } from './product';
import type { FeatureSet } from './types';

/** Settings of {@link precisionRecall}. */
export interface PrecisionRecallOptions {
  /** k: a ball reaches to the k-th nearest neighbour, where the vector itself is the 0-th (default 3). */
  readonly neighbors?: number;
  /** Rows of distances that are computed at a time (default 512). */
  readonly blockRows?: number;
}

/** Result of {@link precisionRecall}, each in [0, 1]. */
export interface PrecisionRecall {
  /** Share of samples inside a ball of the reference: fidelity. */
  readonly precision: number;
  /** Share of reference vectors inside a ball of the samples: coverage. */
  readonly recall: number;
  /** 2 p r / max(1e-5, p + r), as torch-fidelity defines it. */
  readonly fScore: number;
}

/** Names of {@link PrecisionRecallOptions}. */
export const NEIGHBOR_OPTIONS = ['neighbors', 'blockRows'];

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, eq. 1-2): a set's manifold is the union of balls around its
 * vectors, each reaching to the k-th neighbour, boundary included. Squared Euclidean distances are computed in float64
 * in blocks: memory is `blockRows` x n, time O(n² dims). Vectors are moved towards the origin first, so that sets far
 * from it lose no digits. The two sets may differ in size. ADM and torch-fidelity give the same result except for their
 * rounding (float16 products and float32).
 *
 * @throws RangeError on NaN or infinity, dims that differ, or fewer than k + 1 vectors.
 */
export function precisionRecall(
  samples: FeatureSet,
  reference: FeatureSet,
  options: PrecisionRecallOptions = {},
): PrecisionRecall {
  checkNames('precisionRecall', options, NEIGHBOR_OPTIONS);
  const { neighbors = 3, blockRows = 512 } = options;
  checkInteger('neighbors', neighbors, 1);
  checkInteger('blockRows', blockRows, 1);
  checkFeatureSet('samples', samples);
  checkFeatureSet('reference', reference);
  checkSameDims('samples', samples, 'reference', reference);
  const origin = roundedMean(reference);
  const ours = prepare('samples', samples, { neighbors, origin });
  const theirs = prepare('reference', reference, { neighbors, origin });
  const ourRadii = radii(ours, neighbors, blockRows);
  const theirRadii = radii(theirs, neighbors, blockRows);
  const inside = new Uint8Array(ours.count); // samples inside a ball of the reference
  const covered = new Uint8Array(theirs.count); // reference vectors inside a ball of the samples
  forBlocks(ours, theirs, blockRows, (distances, start, rows) => {
    for (let i = 0; i < rows; i++) {
      const at = i * theirs.count;
      const radius = ourRadii[start + i];
      for (let j = 0; j < theirs.count; j++) {
        const distance = distances[at + j];
        if (distance <= theirRadii[j]) inside[start + i] = 1;
        if (distance <= radius) covered[j] = 1;
      }
    }
  });
  const [precision, recall] = [share(inside), share(covered)];
  return { precision, recall, fScore: (2 * precision * recall) / Math.max(1e-5, precision + recall) };
}

/** Vectors that are moved towards the origin and converted to float64 at a time. */
const CONVERTED = 512;

interface Prepared {
  /** The vectors as they came: no float64 copy of all of them is made. */
  readonly data: FeatureSet['data'];
  readonly origin: Float64Array;
  readonly squares: Float64Array;
  readonly count: number;
  readonly dims: number;
}

/** The mean rounded to 12 bits. That is near enough, and subtracting it from float32 values is exact in float64. */
function roundedMean({ data, count, dims }: FeatureSet): Float64Array {
  const mean = new Float64Array(dims);
  for (let i = 0; i < data.length; i++) mean[i % dims] += data[i] / count;
  return mean.map((value) => {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 11);
    return unit > 0 ? Math.round(value / unit) * unit : 0;
  });
}

function prepare(
  name: string,
  { data, count, dims }: FeatureSet,
  { neighbors, origin }: { readonly neighbors: number; readonly origin: Float64Array },
): Prepared {
  if (count < neighbors + 1) {
    throw new RangeError(`${name}: expected at least neighbors + 1 = ${neighbors + 1} vectors, got ${count}`);
  }
  const squares = new Float64Array(count);
  for (let start = 0; start < count; start += CONVERTED) {
    const end = Math.min(count, start + CONVERTED);
    const values = moved({ data, origin, dims }, start, end);
    for (let i = start; i < end; i++) {
      squares[i] = dot(values, (i - start) * dims, values, (i - start) * dims, dims);
    }
  }
  return { data, origin, squares, count, dims };
}

/** Vectors start ... end - 1 in float64, less the origin. */
function moved({ data, origin, dims }: Pick<Prepared, 'data' | 'origin' | 'dims'>, start: number, end: number) {
  const values = new Float64Array((end - start) * dims);
  for (let at = 0, from = start * dims; at < values.length; ) {
    for (let j = 0; j < dims; j++) values[at++] = data[from++] - origin[j];
  }
  return values;
}

/** Computes the squared distance of every vector to its k-th neighbour. */
function radii(set: Prepared, neighbors: number, blockRows: number): Float64Array {
  const result = new Float64Array(set.count);
  const nearest = new Float64Array(neighbors + 1);
  forBlocks(set, set, blockRows, (distances, start, rows) => {
    for (let i = 0; i < rows; i++) {
      nearest.fill(Number.POSITIVE_INFINITY);
      for (let j = i * set.count; j < (i + 1) * set.count; j++) keepSmallest(nearest, distances[j]);
      result[start + i] = nearest[neighbors];
    }
  });
  return result;
}

/** Inserts a value into an ascending list of the smallest so far. */
function keepSmallest(list: Float64Array, value: number): void {
  let i = list.length - 1;
  if (!(value < list[i])) return;
  for (; i > 0 && list[i - 1] > value; i--) list[i] = list[i - 1];
  list[i] = value;
}

/**
 * Visits max(0, ‖a‖² + ‖b‖² - 2 ⟨a, b⟩) in blocks of rows of `a`. Equal vectors have a distance of exactly 0, and the
 * distance of two vectors has the same bits in both directions. A vector on the boundary of a ball is therefore inside
 * it.
 */
function forBlocks(
  a: Prepared,
  b: Prepared,
  blockRows: number,
  visit: (distances: Float64Array, start: number, rows: number) => void,
): void {
  const distances = new Float64Array(Math.min(blockRows, a.count) * b.count);
  for (let start = 0; start < a.count; start += blockRows) {
    const rows = Math.min(blockRows, a.count - start);
    const block = moved(a, start, start + rows);
    for (let first = 0; first < b.count; first += CONVERTED) {
      const end = Math.min(b.count, first + CONVERTED);
      const cols = end - first;
      const products = new Float64Array(rows * cols);
      productNT({ a: block, rows, b: moved(b, first, end), cols, depth: a.dims }, products);
      for (let i = 0; i < rows; i++) distances.set(products.subarray(i * cols, (i + 1) * cols), i * b.count + first);
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0, at = i * b.count; j < b.count; j++, at++) {
        distances[at] = Math.max(0, a.squares[start + i] + b.squares[j] - 2 * distances[at]);
      }
    }
    visit(distances, start, rows);
  }
}

function share(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0) / flags.length;
}
