import { checkCount, checkWord } from './check';
import { linspace, roundHalfEven } from './numeric';
import type { GaussianDiffusion } from './process';

/**
 * How fewer steps are spread over a process (Lin et al. 2024, table 2). `leading` counts up from 0 by a whole stride,
 * `trailing` counts down from T, `linspace` is even and includes both ends.
 */
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

/** Which steps of the process a sampler visits. */
export interface SpacingOptions {
  /** Number of steps; default: every step that the process has (all those that its respacing kept). */
  readonly steps?: number;
  /** How the steps are spread; the default is each sampler's. */
  readonly spacing?: TimestepSpacing;
  /** Added to `leading` timesteps (default 0). */
  readonly stepsOffset?: number;
}

/** Names of {@link SpacingOptions}. */
export const SPACING_OPTIONS = ['steps', 'spacing', 'stepsOffset'];

/**
 * How a family of samplers places its points. `closed`: `steps` points over [0, T-1]. `open`: one point more, of which
 * the lowest is dropped, since the sampler goes from there to sigma 0. `fractional`: `closed` without rounding
 * `linspace`.
 */
export type SpacingFamily = 'closed' | 'open' | 'fractional';

/** The indices of the process's steps that a sampler visits, descending (fractional for `fractional` linspace). */
export function spacedTimesteps(
  process: GaussianDiffusion,
  { steps = process.timesteps, spacing = 'leading', stepsOffset = 0 }: SpacingOptions,
  family: SpacingFamily,
): Float64Array {
  const total = process.timesteps;
  checkCount('steps', steps, 1, total);
  checkCount('stepsOffset', stepsOffset, 0);
  checkWord('spacing', spacing, ['leading', 'trailing', 'linspace']);
  if (stepsOffset > 0 && spacing !== 'leading') {
    throw new Error(`stepsOffset: expected 0 for spacing '${spacing}', got ${stepsOffset}`);
  }
  if (steps === total && stepsOffset === 0) return Float64Array.from({ length: total }, (_, i) => total - 1 - i);
  const points = family === 'open' ? steps + 1 : steps;
  const from = (ascending: Float64Array) => ascending.reverse().subarray(0, steps);
  switch (spacing) {
    case 'linspace': {
      if (points === 1) return Float64Array.of(total - 1); // numpy's linspace would start at the clean end
      const even = linspace(0, total - 1, points);
      return from(family === 'fractional' ? even : even.map(roundHalfEven));
    }
    case 'leading': {
      const stride = Math.floor(total / points);
      const whole = from(Float64Array.from({ length: points }, (_, i) => i * stride + stepsOffset));
      if (stride < 1) throw new Error(`steps: expected fewer than ${total} for spacing 'leading', got ${steps}`);
      if (whole[0] >= total) {
        throw new Error(`stepsOffset: expected timesteps below ${total}, got ${whole[0]} (offset ${stepsOffset})`);
      }
      return whole;
    }
    case 'trailing':
      return Float64Array.from({ length: steps }, (_, i) => roundHalfEven(total - i * (total / steps)) - 1);
    default:
      throw new Error(`spacing: expected a spacing, got ${String(spacing satisfies never)}`);
  }
}
