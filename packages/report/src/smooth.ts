import { checkArray, checkFinite } from './check';
import type { Point } from './line-chart';

/**
 * Smooths the values of a line by an exponential moving average whose start is not drawn towards 0: the mean after n points
 * is divided by 1 - weight^n (Kingma & Ba 2015, section 3), as TensorBoard does.
 *
 * @param points From left to right.
 * @param weight Of what came before, in [0, 1); 0 leaves the values as they are.
 * @returns points at the same places, without bands
 * @throws RangeError for a weight outside of its range
 */
export function smoothed(points: readonly Point[], weight: number): Point[] {
  checkArray('points', points);
  checkFinite('weight', weight);
  if (weight < 0 || weight >= 1) throw new RangeError(`weight: expected a number in [0, 1), got ${weight}`);
  let mean = 0;
  let left = 1; // weight^n
  return points.map(({ x, y }) => {
    mean = weight * mean + (1 - weight) * y;
    left *= weight;
    return { x, y: mean / (1 - left) };
  });
}
