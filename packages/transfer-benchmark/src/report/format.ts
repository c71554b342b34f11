import type { Interval, Spread } from '../statistics';

/** What stands where there is no number. */
export const NOTHING = '–';

/** A number with a fixed count of digits after the point. */
export function fixed(value: number | null, digits: number): string {
  return value === null || !Number.isFinite(value) ? NOTHING : value.toFixed(digits);
}

/** A number with its sign, minus as a true minus. */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** Mean and standard deviation, and how many runs diverged. */
export function meanDeviation({ mean, deviation, notFinite }: Spread, digits: number): string {
  const diverged = notFinite > 0 ? ` (${notFinite} diverged)` : '';
  if (mean === null) return diverged === '' ? NOTHING : diverged.trim();
  return `${mean.toFixed(digits)}${deviation === null ? '' : ` ± ${deviation.toFixed(digits)}`}${diverged}`;
}

/** A percentage with its sign: one digit where it is small. */
export function percentText(value: number): string {
  return signed(value, Math.abs(value) < 9.95 ? 1 : 0);
}

/** An interval of percentages. */
export function percentIntervalText([low, high]: Interval): string {
  return `[${percentText(low)}, ${percentText(high)}]`;
}

/** An interval as `[+0.1, +0.3]`. */
export function intervalText([low, high]: Interval, digits: number): string {
  return `[${signed(low, digits)}, ${signed(high, digits)}]`;
}

/** A count in thousands, millions, ... with three digits. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const units = ['', 'K', 'M', 'G', 'T'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)));
  return unit === 0 ? String(Math.round(value)) : `${Number((value / 1000 ** unit).toPrecision(3))}${units[unit]}`;
}

/** Bytes in binary units. */
export function bytesText(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (value < 1024) return `${Math.round(value)} B`;
  return value < 2 ** 20 ? `${(value / 1024).toFixed(1)} KiB` : `${(value / 2 ** 20).toFixed(2)} MiB`;
}

/** `1 pair`, `2 pairs`. */
export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
