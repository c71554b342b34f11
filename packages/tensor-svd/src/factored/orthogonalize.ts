import { disposeParams, prefetch, readingBack, readSync } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { matmul, qr, svd } from '../decompositions';
import { checkMatrix, scaleColumns, transpose } from '../dense/matrix';
import { matrixFromTensor } from '../tensor-matrix';
import { concatComponents } from './components';
import { checkRank, toFactored } from './host';
import { type FactoredParams, factoredSize } from './params';

/** How many components a re-factored layer keeps. */
export interface RefactorOptions {
  /** Components to keep, 1 to min(rank, in, out) (default: all of these). */
  readonly rank?: number;
}

/**
 * Rewrites a layer as its SVD: the same weight with orthonormal columns and descending s, so that truncating it is
 * optimal. The SVD is computed from the factors (QR of u and of v, SVD of the small core), without the weight. Reads
 * the layer back and computes in float64.
 *
 * @returns Parameters that the caller owns; the bias is copied.
 * @throws On a rank out of range, on NaN or infinity; `ReadBackError` on WebGPU, which reads asynchronously.
 */
export function orthogonalizeFactored(f: FactoredParams, options: RefactorOptions = {}): FactoredParams {
  return readingBack('orthogonalizeFactored', () => refactored(f, options));
}

/** {@link orthogonalizeFactored} on every backend. It waits until the factors are read back. */
export async function orthogonalizeFactoredAsync(
  f: FactoredParams,
  options?: RefactorOptions,
): Promise<FactoredParams> {
  await prefetch(f.u, f.s, f.v);
  return orthogonalizeFactored(f, options);
}

function refactored(f: FactoredParams, { rank }: RefactorOptions): FactoredParams {
  const size = factoredSize(f);
  const largest = Math.min(size.rank, size.in, size.out);
  const kept = rank ?? largest;
  checkRank(kept, largest);
  const [u, v] = [matrixFromTensor(f.u), matrixFromTensor(f.v)];
  const s = { rows: 1, cols: size.rank, data: Float64Array.from(readSync(f.s)) };
  for (const [name, matrix] of Object.entries({ u, s, v })) checkMatrix(name, matrix);
  const left = qr(u);
  const right = qr(v);
  const core = svd(matmul(scaleColumns(left.r, s.data), transpose(right.r)));
  const factors = toFactored({ u: matmul(left.q, core.u), s: core.s, v: matmul(right.q, core.v) }, kept);
  return f.bias ? { ...factors, bias: tf.clone(f.bias) } : factors;
}

/**
 * Adds two factored layers, and re-factors the sum into the `rank` orthogonal components that approximate it best;
 * without `rank` it is exact. Biases add up. Reads the layers back and computes in float64.
 *
 * @returns Parameters that the caller owns.
 * @throws When sizes differ, on a rank outside 1..min(sum of the ranks, in, out), on NaN or infinity; `ReadBackError`
 *   on WebGPU, which reads asynchronously.
 */
export function mergeFactored(a: FactoredParams, b: FactoredParams, options: RefactorOptions = {}): FactoredParams {
  return readingBack('mergeFactored', () => tf.tidy(() => orthogonalizeFactored(concatComponents(a, b), options)));
}

/** {@link mergeFactored} on every backend. It waits until the factors are read back. */
export async function mergeFactoredAsync(
  a: FactoredParams,
  b: FactoredParams,
  options?: RefactorOptions,
): Promise<FactoredParams> {
  const joined = concatComponents(a, b);
  try {
    return await orthogonalizeFactoredAsync(joined, options);
  } finally {
    disposeParams({ ...joined });
  }
}
