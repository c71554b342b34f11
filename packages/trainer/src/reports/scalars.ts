import type { MetricsLine } from '../run-folder/metrics-log';

/** A number of a line of the log. */
export type Scalar = readonly [name: string, value: number];

/** Fields of a line that say where it stands; every other number is a measurement. */
const PLACE = ['step', 'time'];

/**
 * The measurements of a line of the log by name. What is kept by part has a name each: `lossByQuarter/1` to `/4`,
 * `lossByClass/owl`. What is no finite number is left out, as JSON has no word for it.
 */
export function scalarsOf(line: MetricsLine): Scalar[] {
  return Object.entries(line).flatMap(([name, value]: [string, unknown]) => {
    if (PLACE.includes(name)) return [];
    if (typeof value !== 'object' || value === null) return numbers([[name, value]]);
    const first = Array.isArray(value) ? 1 : undefined;
    return numbers(
      Object.entries(value).map(([part, inner]) => [
        `${name}/${first === undefined ? part : Number(part) + first}`,
        inner,
      ]),
    );
  });
}

const numbers = (values: readonly (readonly [string, unknown])[]): Scalar[] =>
  values.flatMap(([name, value]) => (typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : []));
