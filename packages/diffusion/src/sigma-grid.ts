import { checkFlags, checkInterval, checkWord } from './check';
import { interpolate, inverseInterpolate, linspace, roundHalfEven } from './numeric';
import type { PathPoint } from './parameterization';
import type { GaussianDiffusion } from './process';
import { type SpacingFamily, type SpacingOptions, spacedTimesteps } from './spacing';

/**
 * The noise levels sigma = √(1 - ᾱ) / √ᾱ of a sampler's steps. `process`: those of its timesteps. `karras`: Karras et
 * al. 2022, eq. 5. `exponential`: evenly spaced in log sigma; `lu` is DPM-Solver's name for it.
 */
export type SigmaSpacing = 'process' | 'karras' | 'exponential' | 'lu';

/** The noise levels that a solver visits. */
export interface SigmaOptions extends SpacingOptions {
  /** How the noise levels are spaced (default `'process'`). */
  readonly sigmas?: SigmaSpacing;
  /** Exponent of `karras` (default 7). */
  readonly rho?: number;
  /** Where the last step ends: at noise 0 (`'zero'`, default) or at the lowest noise of the process (`'sigma-min'`). */
  readonly finalSigma?: 'zero' | 'sigma-min';
  /**
   * Round the timesteps that the network is given where noise levels lie between them (the default is each sampler's).
   */
  readonly roundTimesteps?: boolean;
}

/** Names of {@link SigmaOptions} beside those of its spacing. */
export const SIGMA_OPTIONS = ['sigmas', 'rho', 'finalSigma', 'roundTimesteps'];

/**
 * A point of a solver's path, with lambda = log(alpha / sigma). Where alpha-bar is 0 (a zero terminal SNR) it is the
 * exact limit: alpha 0, sigma 1, level infinite, lambda -infinite.
 */
export interface SigmaPoint extends PathPoint {
  /** sigma / alpha. */
  readonly level: number;
  readonly lambda: number;
  /** What the network is given. */
  readonly time: number;
}

/**
 * Where the karras and exponential curves start when the process has no finite highest level: alpha-bar 2^-24, as in
 * diffusers.
 */
const HIGHEST_OF_CURVE = Math.sqrt(2 ** 24 - 1);

/**
 * Returns the points of a solver: one per step, and the end. `range` says whether karras and exponential levels span
 * the whole process or only the spaced timesteps.
 */
export function sigmaGrid(
  process: GaussianDiffusion,
  options: SigmaOptions & { readonly family: SpacingFamily; readonly range: 'process' | 'timesteps' },
): SigmaPoint[] {
  const { sigmas = 'process', rho = 7, finalSigma = 'zero', roundTimesteps = false } = options;
  checkFlags(options, ['roundTimesteps']);
  checkWord('sigmas', sigmas, ['process', 'karras', 'exponential', 'lu']);
  checkWord('finalSigma', finalSigma, ['zero', 'sigma-min']);
  checkInterval('rho', rho, '(0, Infinity)');
  if (options.rho !== undefined && sigmas !== 'karras') {
    throw new Error(`rho: expected it with sigmas 'karras' only, got sigmas '${sigmas}'`);
  }
  const levels = process.alphasCumprod.map((bar) => Math.sqrt((1 - bar) / bar));
  const indices = spacedTimesteps(process, options, options.family);
  const spaced = indices.map((index) => interpolate(levels, index));
  const last = finalSigma === 'zero' ? 0 : levels[0];
  const rounded = (index: number) => (roundTimesteps ? roundHalfEven(index) : index);
  if (sigmas === 'process') return [...spaced, last].map((level, i) => point(process, level, rounded(indices[i] ?? 0)));
  const finite = (level: number) => (level === Number.POSITIVE_INFINITY ? HIGHEST_OF_CURVE : level);
  const high = finite(options.range === 'process' ? levels[levels.length - 1] : spaced[0]);
  const low = finite(options.range === 'process' ? levels[0] : spaced[spaced.length - 1]);
  const logLevels = levels.map((level) => Math.log(finite(level)));
  const curve = [...levelCurve(sigmas, { high, low, count: indices.length, rho }), last];
  return curve.map((level) => {
    const index = inverseInterpolate(logLevels, Math.log(Math.max(level, 1e-10)));
    return point(process, level, rounded(index));
  });
}

function levelCurve(
  kind: 'karras' | 'exponential' | 'lu',
  { high, low, count, rho }: { high: number; low: number; count: number; rho: number },
): Float64Array {
  switch (kind) {
    case 'karras':
      return linspace(high ** (1 / rho), low ** (1 / rho), count).map((root) => root ** rho);
    case 'exponential':
    case 'lu':
      return linspace(Math.log(high), Math.log(low), count).map(Math.exp);
    default:
      throw new Error(`sigmas: expected a spacing, got ${String(kind satisfies never)}`);
  }
}

function point(process: GaussianDiffusion, level: number, index: number): SigmaPoint {
  const alpha = 1 / Math.sqrt(level * level + 1);
  const sigma = 1 / Math.sqrt(1 + 1 / (level * level)); // level * alpha, also where the level is infinite
  return { level, alpha, sigma, lambda: -Math.log(level), index, time: interpolate(process.timestepMap, index) };
}
