import { type Generator, normal, randomIntegers, uniform } from '@learngene/random';
import { checkCount, checkInterval, checkNames, checkWord } from './check';
import { shiftTime } from './flow-matching';

/** Steps to train on, with the importance weight of each: multiply the losses by it. */
export interface TimestepBatch {
  /** Steps `[size]`. */
  readonly t: Int32Array;
  /** 1 / (T · probability), `[size]`: the weighted mean loss estimates the mean over all steps. */
  readonly weights: Float32Array;
}

/**
 * Draws steps uniformly.
 * @param options - `timesteps`: T; `size`: how many; `generator`: advanced as by `torch.randint(0, T, (size,))`
 * @returns steps in `[0, T)` and weights 1
 */
export function uniformTimesteps(options: {
  readonly timesteps: number;
  readonly size: number;
  readonly generator: Generator;
}): TimestepBatch {
  checkNames('uniformTimesteps', options, ['timesteps', 'size', 'generator']);
  const { timesteps, size, generator } = options;
  checkCount('timesteps', timesteps, 1, 2 ** 31);
  checkCount('size', size, 0);
  return {
    t: randomIntegers(generator, size, { high: timesteps }),
    weights: new Float32Array(size).fill(1),
  };
}

/** How {@link flowTimesteps} draws: uniformly, or as the sigmoid of a normal number (Esser et al. 2024, eq. 19). */
export type FlowTimeDistribution =
  | 'uniform'
  | {
      /** Marks this form. */
      readonly kind: 'logit-normal';
      /** Mean of the normal (default 0). */
      readonly mean?: number;
      /** Standard deviation of the normal (default 1). */
      readonly std?: number;
    };

/** Settings of {@link flowTimesteps}. */
export interface FlowTimestepOptions {
  /** How many. */
  readonly size: number;
  /** Advanced by `size` uniforms or normals. */
  readonly generator: Generator;
  /** Default `'uniform'`. */
  readonly distribution?: FlowTimeDistribution;
  /** Time shift (default 1: none). */
  readonly shift?: number;
}

/**
 * Draws times to train a flow on.
 * @param options - how many, generator, distribution, shift
 * @returns times `[size]` in [0, 1]
 * @throws if an option is out of range
 */
export function flowTimesteps(options: FlowTimestepOptions): Float32Array {
  checkNames('flowTimesteps', options, ['size', 'generator', 'distribution', 'shift']);
  const { size, generator, distribution = 'uniform', shift = 1 } = options;
  checkCount('size', size, 0);
  checkInterval('shift', shift, '(0, Infinity)');
  const times = distribution === 'uniform' ? uniform(generator, size) : logitNormal(generator, size, distribution);
  return shift === 1 ? times : times.map((time) => shiftTime(time, shift));
}

function logitNormal(
  generator: Generator,
  size: number,
  distribution: Exclude<FlowTimeDistribution, 'uniform'>,
): Float32Array {
  checkNames('distribution', distribution, ['kind', 'mean', 'std']);
  const { kind, mean = 0, std = 1 } = distribution;
  checkWord('distribution.kind', kind, ['logit-normal']);
  if (!Number.isFinite(mean)) throw new Error(`distribution.mean: expected a finite number, got ${mean}`);
  checkInterval('distribution.std', std, '[0, Infinity)');
  return normal(generator, size, { mean, std }).map((z) => 1 / (1 + Math.exp(-z)));
}
