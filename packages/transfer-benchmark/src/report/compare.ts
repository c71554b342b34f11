import type { TrialResult } from '../plan/result';
import { bootstrapInterval, type Interval, studentInterval } from '../statistics';
import { pairKey } from './conditions';
import { finalValue, type Metric, type MetricKey, metricOf } from './metrics';

/** A method against KIND; unknown where there are too few pairs to say. */
export type Verdict = 'better' | 'equal' | 'worse' | 'unknown';

/** A metric of a method against KIND's, over pairs of trials with the same seed and condition. */
export interface Comparison {
  /** Pairs of which both values are finite. */
  pairs: number;
  /** Mean of the method's value less KIND's. */
  difference: number;
  /** Paired bootstrap interval of the difference, 95 %; null with one pair. */
  interval: Interval | null;
  /** The interval by Student's t, which is wider with few pairs; 95 %. Null with one pair. */
  student: Interval | null;
  /** The geometric mean of the ratios, in percent above 1; null for metrics whose ratios mean nothing. */
  percent: number | null;
  /** Paired bootstrap interval of the percentage. */
  percentInterval: Interval | null;
  /** Better or worse only where both intervals say so. */
  verdict: Verdict;
  /** The side of an equal verdict on which the bootstrap interval lies but Student's interval does not; null otherwise. */
  leaning: 'better' | 'worse' | null;
}

const excludesZero = ([low, high]: Interval) => low > 0 || high < 0;

/** The verdict of some differences: better or worse only where both intervals exclude zero. */
export function verdictOf(
  differences: readonly number[],
  { lowerIsBetter }: Metric,
): Pick<Comparison, 'verdict' | 'leaning'> {
  const interval = bootstrapInterval(differences);
  const student = studentInterval(differences);
  if (interval === undefined || student === undefined) return { verdict: 'unknown', leaning: null };
  if (!excludesZero(interval)) return { verdict: 'equal', leaning: null };
  const side = interval[1] < 0 === lowerIsBetter ? 'better' : 'worse';
  return excludesZero(student) ? { verdict: side, leaning: null } : { verdict: 'equal', leaning: side };
}

/** A ratio's logarithm as percent above 1. */
export const percentOf = (logRatio: number) => 100 * (Math.exp(logRatio) - 1);

/** Settings of {@link compare}. */
export interface CompareOptions {
  metric: MetricKey;
  /** Whether the pairs lie on different scales (tasks): the verdict is then by ratios, where the metric has them. */
  acrossTasks: boolean;
}

/** Compares trials with KIND's of the same seed and condition. Undefined where there is no pair. */
export function compare(
  trials: readonly TrialResult[],
  kind: readonly TrialResult[],
  { metric: key, acrossTasks }: CompareOptions,
): Comparison | undefined {
  const metric = metricOf(key);
  const references = new Map(kind.map((trial) => [pairKey(trial), finalValue(trial, key)]));
  const pairs = trials
    .map((trial) => [finalValue(trial, key), references.get(pairKey(trial)) ?? Number.NaN] as const)
    .filter((pair) => pair.every(Number.isFinite));
  if (pairs.length === 0) return undefined;
  const differences = pairs.map(([theirs, ours]) => theirs - ours);
  const hasRatios = metric.ratios && pairs.every(([theirs, ours]) => theirs > 0 && ours > 0);
  const ratios = hasRatios ? pairs.map(([theirs, ours]) => Math.log(theirs / ours)) : [];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratioInterval = bootstrapInterval(ratios);
  return {
    pairs: pairs.length,
    difference: mean(differences),
    interval: bootstrapInterval(differences) ?? null,
    student: studentInterval(differences) ?? null,
    percent: hasRatios ? percentOf(mean(ratios)) : null,
    percentInterval: ratioInterval ? [percentOf(ratioInterval[0]), percentOf(ratioInterval[1])] : null,
    ...verdictOf(acrossTasks && hasRatios ? ratios : differences, metric),
  };
}
