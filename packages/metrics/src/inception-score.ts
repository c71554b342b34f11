import { checkConvention, checkFeatureSet, checkInteger, checkNames, spread } from './check';
import { numpyPermutation, numpyRandomState } from './numpy-random-state';
import type { Convention, FeatureSet, ScoreSpread } from './types';

/** How {@link inceptionScore} cuts the images into splits. Other fields override the convention. */
export interface InceptionScoreOptions {
  /**
   * `'adm'` (default): consecutive splits of 5000, not shuffled; the last one may be shorter. `'torch-fidelity'`: 10
   * equal splits of the images shuffled by `np.random.RandomState(2020)`.
   */
  readonly convention?: Convention;
  /** Number of equal splits, in place of the convention's. */
  readonly splits?: number;
  /** Images per split, in place of the convention's; the last split may be shorter. Not together with `splits`. */
  readonly splitSize?: number;
  /** Whether the images are shuffled first. */
  readonly shuffle?: boolean;
  /** Seed of the shuffle (default 2020), an integer in [0, 2³²). */
  readonly seed?: number;
}

/** Names of {@link InceptionScoreOptions}. */
export const SCORE_OPTIONS = ['convention', 'splits', 'splitSize', 'shuffle', 'seed'];

/**
 * Inception Score exp(E KL(p(y|x) ‖ p(y))) (Salimans et al. 2016), mean and standard deviation over splits, float64.
 * `logits` are [n, classes]; adding a constant to a row changes nothing. The score is in [1, classes].
 *
 * @throws RangeError on NaN or infinity, no images, or fewer images than splits.
 */
export function inceptionScore(logits: FeatureSet, options: InceptionScoreOptions = {}): ScoreSpread {
  checkNames('inceptionScore', options, SCORE_OPTIONS);
  checkFeatureSet('logits', logits);
  checkInteger('logits.count', logits.count, 1);
  checkConvention(options.convention ?? 'adm');
  const order = imageOrder(logits.count, options);
  const bounds = splitBounds(logits.count, options);
  const scores = bounds.slice(1).map((end, i) => splitScore(logits, order.subarray(bounds[i], end)));
  return spread(scores);
}

function imageOrder(count: number, { convention = 'adm', shuffle, seed = 2020 }: InceptionScoreOptions): Int32Array {
  if (shuffle ?? convention === 'torch-fidelity') return numpyPermutation(numpyRandomState(seed), count);
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Computes where splits begin and end. */
function splitBounds(count: number, { convention = 'adm', splits, splitSize }: InceptionScoreOptions): number[] {
  if (splits !== undefined && splitSize !== undefined)
    throw new RangeError('splits: expected not together with splitSize');
  const size = splitSize ?? (splits === undefined && convention === 'adm' ? 5000 : undefined);
  if (size !== undefined) {
    checkInteger('splitSize', size, 1);
    return [...Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size), count];
  }
  const n = splits ?? 10;
  checkInteger('splits', n, 1);
  if (count < n) throw new RangeError(`logits: expected at least as many images as splits (${n}), got ${count}`);
  return Array.from({ length: n + 1 }, (_, i) => Math.floor((i * count) / n));
}

function splitScore({ data, dims }: FeatureSet, rows: Int32Array): number {
  const marginal = new Float64Array(dims);
  let negativeEntropy = 0; // Σ p log p over the rows
  const shifted = new Float64Array(dims);
  for (const row of rows) {
    const logNormalizer = logSoftmaxShift(data, row * dims, shifted);
    for (let j = 0; j < dims; j++) {
      const logProbability = shifted[j] - logNormalizer;
      const probability = Math.exp(logProbability);
      marginal[j] += probability;
      if (probability > 0) negativeEntropy += probability * logProbability;
    }
  }
  let marginalTerm = 0; // Σ_rows Σ p log q = n Σ q log q
  for (const sum of marginal) if (sum > 0) marginalTerm += sum * Math.log(sum / rows.length);
  return Math.exp(Math.max(0, negativeEntropy - marginalTerm) / rows.length); // a divergence is not below 0
}

/** shifted = row - max; returns log Σ exp(shifted). */
function logSoftmaxShift(data: ArrayLike<number>, at: number, shifted: Float64Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < shifted.length; j++) max = Math.max(max, data[at + j]);
  let sum = 0;
  for (let j = 0; j < shifted.length; j++) sum += Math.exp((shifted[j] = data[at + j] - max));
  return Math.log(sum);
}
