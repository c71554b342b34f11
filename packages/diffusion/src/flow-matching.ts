import { checkCount, checkInterval, checkNames } from './check';
import { linspace } from './numeric';

/** Settings of {@link flowMatching}. */
export interface FlowMatchingOptions {
  /** The network is given time * timeScale (default 1000, the range of diffusion's timesteps). */
  readonly timeScale?: number;
  /**
   * Time shift s of samplers: time' = s · time / (1 + (s - 1) · time). A value above 1 puts more steps at high noise
   * (default 1).
   */
  readonly shift?: number;
}

/**
 * A flow along straight paths, x_time = (1 - time) x_0 + time · noise; plain data. The network predicts the velocity
 * noise - x_0.
 */
export interface FlowProcess {
  /** Tells the processes apart. */
  readonly kind: 'flow';
  /** The network is given time * timeScale. */
  readonly timeScale: number;
  /** Time shift of samplers. */
  readonly shift: number;
}

/**
 * Makes a flow process (Lipman et al. 2023; Liu et al. 2023, rectified flow; shift: Esser et al. 2024, eq. 23).
 * @param options - time scale and shift, both positive
 * @returns plain data
 * @throws if a value is not positive or not finite
 */
export function flowMatching(options: FlowMatchingOptions = {}): FlowProcess {
  checkNames('flowMatching', options, ['timeScale', 'shift']);
  const { timeScale = 1000, shift = 1 } = options;
  checkInterval('timeScale', timeScale, '(0, Infinity)');
  checkInterval('shift', shift, '(0, Infinity)');
  return { kind: 'flow', timeScale, shift };
}

/** time' = s · time / (1 + (s - 1) · time). */
export function shiftTime(time: number, shift: number): number {
  return (shift * time) / (1 + (shift - 1) * time);
}

/**
 * The times that a solver visits, from 1 to 0, `steps + 1` of them: evenly spaced (`trailing`), or evenly from 1 to the
 * lowest time of training, 1/timeScale, and then 0 (`linspace`).
 */
export function flowTimes(
  { shift, timeScale }: FlowProcess,
  { steps, spacing }: { readonly steps?: number; readonly spacing: 'trailing' | 'linspace' },
): Float64Array {
  const count = checkCount('steps', steps ?? Number.NaN, 1);
  if (spacing === 'linspace' && timeScale <= 1 && count > 1) {
    throw new Error(
      `spacing: expected 'trailing' for a flow of timeScale ${timeScale}, whose lowest time is 1 / timeScale`,
    );
  }
  if (spacing === 'trailing') return linspace(1, 0, count + 1).map((time) => shiftTime(time, shift));
  const times = linspace(1, shiftTime(1 / timeScale, shift), count).map((time) => shiftTime(time, shift));
  return Float64Array.of(...times, 0);
}
