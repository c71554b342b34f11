import { checkFinite, checkInteger, checkNames, checkNumber } from './check';
import { factorCovariance } from './covariance-factor';
import { nuclearNorm } from './nuclear-norm';
import { largeProductNT } from './product';
import type { MomentStatistics } from './types';

/** Settings of {@link frechetDistance}. */
export interface FrechetOptions {
  /**
   * Added to both diagonals under the square root, not to the traces (default 0). ADM and pytorch-fid add 1e-6 where
   * scipy's square root fails. The method here cannot fail; set this to repeat such a result.
   */
  readonly epsilon?: number;
}

/**
 * ‖μ1 - μ2‖² + tr(S1 + S2 - 2 (S1^½ S2 S1^½)^½) in float64: the squared 2-Wasserstein distance of two Gaussians (Dowson
 * and Landau 1982; FID of Heusel et al. 2017, eq. 6). With S = L Lᵀ the last trace is the sum of the singular values of
 * L1ᵀ L2, which needs no square root of a product: rank-deficient covariances need no special treatment, and no
 * imaginary part appears. Up to rounding the result equals that of ADM and torch-fidelity. A value that rounding makes
 * negative is returned as 0.
 *
 * @throws RangeError on NaN or infinity, sizes that differ, or a covariance that is not symmetric positive
 *   semidefinite.
 */
export function frechetDistance(a: MomentStatistics, b: MomentStatistics, options: FrechetOptions = {}): number {
  checkNames('frechetDistance', options, ['epsilon']);
  const { epsilon = 0 } = options;
  const dims = checkStatistics('a', a);
  if (checkStatistics('b', b) !== dims) throw new RangeError(`b: expected ${dims} dims as a, got ${b.mean.length}`);
  checkNumber('epsilon', epsilon, 0);
  let distance = 0;
  for (let i = 0; i < dims; i++) {
    distance += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * (dims + 1)] + b.covariance[i * (dims + 1)];
  }
  const left = factorCovariance('a.covariance', withDiagonal(a.covariance, dims, epsilon), dims);
  const right = factorCovariance('b.covariance', withDiagonal(b.covariance, dims, epsilon), dims);
  const product = new Float64Array(left.rank * right.rank);
  largeProductNT({ a: left.data, rows: left.rank, b: right.data, cols: right.rank, depth: dims }, product);
  const result = distance - 2 * nuclearNorm(product, left.rank, right.rank);
  if (!Number.isFinite(result)) throw new RangeError('a, b: the distance of these values overflows float64');
  return Math.max(0, result);
}

/** Checks sizes and finiteness; returns the dims. */
function checkStatistics(name: string, { mean, covariance }: MomentStatistics): number {
  const dims = mean.length;
  checkInteger(`${name}.mean.length`, dims, 1);
  if (covariance.length !== dims * dims) {
    throw new RangeError(
      `${name}.covariance: expected [${dims}, ${dims}] = ${dims * dims} values, got ${covariance.length}`,
    );
  }
  checkFinite(`${name}.mean`, mean, dims);
  checkFinite(`${name}.covariance`, covariance, dims);
  return dims;
}

function withDiagonal(covariance: Float64Array, dims: number, epsilon: number): Float64Array {
  if (epsilon === 0) return covariance;
  const shifted = covariance.slice();
  for (let i = 0; i < dims; i++) shifted[i * (dims + 1)] += epsilon;
  return shifted;
}
