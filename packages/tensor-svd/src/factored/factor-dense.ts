import { dims, type LinearParams, prefetch, readingBack } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { svd } from '../decompositions';
import { checkMatrix } from '../dense/matrix';
import { randomizedSvd } from '../randomized-svd';
import { matrixFromTensor } from '../tensor-matrix';
import { checkRank, toFactored } from './host';
import type { FactoredParams } from './params';

/** Options of {@link factorDense}. */
export interface FactorOptions {
  /** Components to keep, those of largest singular values, 1 to min(in, out) (default: all). */
  readonly rank?: number;
  /** Use a randomised SVD with this generator in place of the exact one: faster where `rank` is small. */
  readonly randomized?: Generator;
}

/**
 * Factors a dense layer by SVD: the best approximation of the weight of that rank (Eckart and Young 1936). Reads the
 * weight back and computes in float64.
 *
 * @param params - weight float32 [out, in] and an optional bias, which is copied.
 * @returns u and v with orthonormal columns, s descending; the caller owns them.
 * @throws On a rank outside 1..min(in, out), on NaN or infinity in the weight; `ReadBackError` on WebGPU, which reads
 *   asynchronously.
 */
export function factorDense(params: LinearParams, { rank, randomized }: FactorOptions = {}): FactoredParams {
  const sizes = dims('weight', params.weight, 'out in');
  const kept = rank ?? Math.min(sizes.in, sizes.out);
  checkRank(kept, Math.min(sizes.in, sizes.out));
  const weight = readingBack('factorDense', () => matrixFromTensor(params.weight));
  checkMatrix('weight', weight);
  const factors = randomized ? randomizedSvd(weight, { rank: kept, generator: randomized }) : svd(weight);
  const f = toFactored(factors, kept);
  return params.bias ? { ...f, bias: tf.clone(params.bias) } : f;
}

/** {@link factorDense} on every backend. It waits until the weight is read back. */
export async function factorDenseAsync(params: LinearParams, options?: FactorOptions): Promise<FactoredParams> {
  await prefetch(params.weight);
  return factorDense(params, options);
}
