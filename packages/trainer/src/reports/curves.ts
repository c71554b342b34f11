import type { Point, Series } from '@learngene/report';
import { smoothed } from '@learngene/report';
import type { MetricsLine } from '../run-folder/metrics-log';
import { scalarsOf } from './scalars';

/** The measurements of a log as lines over the steps, by the names of {@link scalarsOf}. */
export type Curves = ReadonlyMap<string, readonly Point[]>;

/** Reads the lines of a log as curves. */
export function curvesOf(lines: readonly MetricsLine[]): Curves {
  const curves = new Map<string, Point[]>();
  for (const line of lines) {
    for (const [name, y] of scalarsOf(line)) {
      const points = curves.get(name) ?? [];
      points.push({ x: line.step, y });
      curves.set(name, points);
    }
  }
  return curves;
}

/** The curve of a name; without points where nothing was measured. */
export const curve = (curves: Curves, name: string): readonly Point[] => curves.get(name) ?? [];

/** A curve of at most so many points is not smoothed. */
const SHORT = 30;

/** A curve smoothed over about a thirtieth of its length; a short one as it is. */
export function trend(points: readonly Point[]): readonly Point[] {
  return points.length <= SHORT ? points : smoothed(points, 1 - SHORT / points.length);
}

/** A curve smoothed, with what was measured behind it; a short one alone. */
export function withTrend(name: string, points: readonly Point[]): Series[] {
  if (points.length <= SHORT) return [{ name, points }];
  return [
    { name: `${name}, smoothed`, points: trend(points), strong: true },
    { name, points, faint: true },
  ];
}

/** The parts of a measurement, as of the loss by class, each with its curve. */
export function partsOf(curves: Curves, field: string): Map<string, readonly Point[]> {
  const start = `${field}/`;
  const own = [...curves].filter(([name]) => name.startsWith(start));
  return new Map(own.map(([name, points]) => [name.slice(start.length), points]));
}
