import type { Tolerance } from './catalog';

/** The value below which a share of the values lies, linear between neighbours (numpy's default). */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('values: expected at least one, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** What is kept of the samples of one worker, in milliseconds. */
export interface Summary {
  /** Half of the samples took longer. */
  median: number;
  /** A tenth of the samples took less: what the machine gives when nothing disturbs it. */
  best: number;
  /** Number of samples. */
  count: number;
}

/** Median and best decile of samples. */
export function summarize(samples: readonly number[]): Summary {
  return { median: quantile(samples, 0.5), best: quantile(samples, 0.1), count: samples.length };
}

/** The n-th root of the product. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('values: expected at least one, got none');
  if (values.some((value) => !(value > 0))) throw new Error(`values: expected positive numbers, got ${values}`);
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Says where two lists of numbers differ by more than the tolerance; undefined where they agree. */
export function disagreement(
  ours: readonly number[],
  theirs: readonly number[],
  { relative, absolute = 1e-6 }: Tolerance,
): string | undefined {
  if (ours.length !== theirs.length) return `expected ${theirs.length} numbers, got ${ours.length}`;
  for (const [i, expected] of theirs.entries()) {
    const allowed = absolute + relative * Math.max(Math.abs(expected), Math.abs(ours[i]));
    if (!(Math.abs(ours[i] - expected) <= allowed)) return `number ${i}: ours ${ours[i]}, the peer's ${expected}`;
  }
  return undefined;
}
