import { interpolate, inverseInterpolate, linspace, roundHalfEven } from './numeric';
import type { PathPoint } from './parameterization';
import type { GaussianDiffusion } from './process';
import { type SpacingFamily, type SpacingOptions, spacedTimesteps } from './spacing';

/**
 * Noise levels sigma = √(1 - ᾱ) / √ᾱ of a sampler's steps: those of its timesteps (`process`), Karras et al. 2022, eq. 5
 * (`karras`), or evenly spaced in log sigma (`exponential`, and `lu`, its name with DPM-Solver).
 */
export type SigmaSpacing = 'process' | 'karras' | 'exponential' | 'lu';

/** The noise levels that a solver visits. */
export interface SigmaOptions extends SpacingOptions {
  /** How the noise levels are spaced (default `'process'`). */
  readonly sigmas?: SigmaSpacing;
  /** Exponent of `karras` (default 7). */
  readonly rho?: number;
  /** Where the last step ends: at `'zero'` noise (default) or at the process's lowest, `'sigma-min'`. */
  readonly finalSigma?: 'zero' | 'sigma-min';
  /** Give the network whole timesteps where the noise levels lie between (the default is each sampler's). */
  readonly roundTimesteps?: boolean;
}

/** A point of a solver's path: with lambda = log(alpha / sigma). */
export interface SigmaPoint extends PathPoint {
  /** sigma / alpha. */
  readonly level: number;
  readonly lambda: number;
  /** What the network is given. */
  readonly time: number;
}

/**
 * The points of a solver: one a step and the end. `range` says whether karras and exponential levels span the process
 * or only the spaced timesteps.
 */
export function sigmaGrid(
  process: GaussianDiffusion,
  options: SigmaOptions & { readonly family: SpacingFamily; readonly range: 'process' | 'timesteps' },
): SigmaPoint[] {
  const { sigmas = 'process', rho = 7, finalSigma = 'zero', roundTimesteps = false } = options;
  // A zero-SNR last step has an infinite level; 2^-24 keeps it finite in float32.
  const levels = process.alphasCumprod.map((bar) => Math.sqrt((1 - bar) / Math.max(bar, 2 ** -24)));
  const indices = spacedTimesteps(process, options, options.family);
  const spaced = indices.map((index) => interpolate(levels, index));
  const last = finalSigma === 'zero' ? 0 : levels[0];
  if (sigmas === 'process') return [...spaced, last].map((level, i) => point(process, level, indices[i] ?? 0));
  const high = options.range === 'process' ? levels[levels.length - 1] : spaced[0];
  const low = options.range === 'process' ? levels[0] : spaced[spaced.length - 1];
  const logLevels = levels.map(Math.log);
  const curve = [...levelCurve(sigmas, { high, low, count: indices.length, rho }), last];
  return curve.map((level) => {
    const index = inverseInterpolate(logLevels, Math.log(Math.max(level, 1e-10)));
    return point(process, level, roundTimesteps ? roundHalfEven(index) : index);
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
      throw new Error(
        `sigmas: expected 'process', 'karras', 'exponential' or 'lu', got ${String(kind satisfies never)}`,
      );
  }
}

function point(process: GaussianDiffusion, level: number, index: number): SigmaPoint {
  const alpha = 1 / Math.sqrt(level * level + 1);
  const time = interpolate(process.timestepMap, index);
  return { level, alpha, sigma: level * alpha, lambda: -Math.log(level), index, time };
}
