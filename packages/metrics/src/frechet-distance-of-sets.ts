import { checkFeatureSet, checkSameDims } from './check';
import { nuclearNorm } from './nuclear-norm';
import { productNT } from './product';
import type { FeatureSet } from './types';

/** A set as its mean and its rows about it, divided by √(n - 1): their covariance is the product of these rows with themselves. */
interface Centred {
  mean: Float64Array;
  rows: Float64Array;
  /** Trace of the covariance. */
  trace: number;
}

function centre(name: string, set: FeatureSet): Centred {
  checkFeatureSet(name, set);
  const { data, count, dims } = set;
  if (count < 2) throw new RangeError(`${name}: expected at least 2 vectors for a covariance, got ${count}`);
  const mean = new Float64Array(dims);
  for (let at = 0; at < data.length; at++) mean[at % dims] += data[at] / count;
  const scale = 1 / Math.sqrt(count - 1);
  const rows = new Float64Array(data.length);
  let trace = 0;
  for (let at = 0; at < data.length; at++) {
    rows[at] = (data[at] - mean[at % dims]) * scale;
    trace += rows[at] ** 2;
  }
  return { mean, rows, trace };
}

/**
 * `frechetDistance` of the moments of two sets, without their covariances: with S = Aᵀ A of centred rows A, the trace of the
 * root is the sum of the singular values of A1 A2ᵀ, a matrix of [n1, n2]. Time O(n1 n2 (dims + min(n1, n2))): for long features
 * of few vectors, where covariances of [dims, dims] would cost far more.
 *
 * @throws RangeError on NaN or infinity, dims that differ, or fewer than 2 vectors
 */
export function frechetDistanceOfSets(a: FeatureSet, b: FeatureSet, ...more: never[]): number {
  if (more.length > 0) throw new RangeError(`frechetDistanceOfSets: expected 2 arguments, got ${2 + more.length}`);
  const [left, right] = [centre('a', a), centre('b', b)];
  checkSameDims('a', a, 'b', b);
  let distance = left.trace + right.trace;
  for (let i = 0; i < a.dims; i++) distance += (left.mean[i] - right.mean[i]) ** 2;
  const product = new Float64Array(a.count * b.count);
  productNT({ a: left.rows, rows: a.count, b: right.rows, cols: b.count, depth: a.dims }, product);
  const result = distance - 2 * nuclearNorm(product, a.count, b.count);
  if (!Number.isFinite(result)) throw new RangeError('a, b: the distance of these values overflows float64');
  return Math.max(0, result);
}
