import type { Comparison } from './compare';
import { intervalText, percentIntervalText, percentText, plural, signed } from './format';
import { methodTitle } from './methods';
import { type MetricKey, metricOf } from './metrics';
import type { MethodRow, Standing, TableSummary } from './summary-types';

/** Whether a comparison is judged by ratios: over tasks, where the scales differ. */
function byRatio({ conditions }: TableSummary, comparison: Comparison): boolean {
  return conditions.length > 1 && comparison.percent !== null;
}

/** A verdict in a few words. */
export function verdictWords({ verdict, leaning, pairs }: Pick<Comparison, 'verdict' | 'leaning' | 'pairs'>): string {
  switch (verdict) {
    case 'better':
      return '▲ better';
    case 'worse':
      return '▼ worse';
    case 'unknown':
      return `${plural(pairs, 'pair')}: no interval`;
    case 'equal':
      return leaning === null ? '= equal' : `= equal (leans ${leaning})`;
  }
}

/** The difference to KIND with its interval: in percent where tasks are pooled, in the metric's unit otherwise. */
export function differenceText(table: TableSummary, comparison: Comparison, metric: MetricKey): string {
  if (byRatio(table, comparison)) {
    const { percent, percentInterval } = comparison;
    return `${percentText(percent as number)} %${percentInterval ? ` ${percentIntervalText(percentInterval)}` : ''}`;
  }
  const { digits } = metricOf(metric);
  const { difference, interval } = comparison;
  return `${signed(difference, digits)}${interval ? ` ${intervalText(interval, digits)}` : ''}`;
}

/** How far a metric is from KIND's and how sure that is: in percent where tasks are pooled. */
function amount(table: TableSummary, comparison: Comparison, metric: MetricKey): string {
  const { digits } = metricOf(metric);
  const { difference, percent, interval, percentInterval, pairs } = comparison;
  const pooled = byRatio(table, comparison);
  const value = pooled ? (percent as number) : difference;
  if (value === 0) return `the same (${plural(pairs, 'pair')})`;
  const absolute = Math.abs(difference).toFixed(digits);
  const size = pooled
    ? `${percentText(Math.abs(value)).slice(1)} %`
    : `${absolute}${percent === null ? '' : ` (${percentText(percent)} %)`}`;
  const range = pooled
    ? percentInterval && `${percentIntervalText(percentInterval)} %`
    : interval && intervalText(interval, digits);
  const sure = range ? `95 % interval ${range}, ${plural(pairs, 'pair')}` : `${plural(pairs, 'pair')}, so no interval`;
  return `${value > 0 ? 'higher' : 'lower'} by ${size} (${sure})`;
}

/** One metric of a method against KIND's, as a clause. */
function clause(table: TableSummary, comparison: Comparison, metric: MetricKey): string {
  const { title } = metricOf(metric);
  const { verdict, leaning } = comparison;
  const size = amount(table, comparison, metric);
  switch (verdict) {
    case 'better':
    case 'worse':
      return `${verdict} in ${title}, ${size}`;
    case 'equal':
      return `equal within noise in ${title}${leaning ? `, leaning ${leaning}` : ''}, ${size}`;
    case 'unknown':
      return `${title} ${size}`;
  }
}

/** A method against KIND in a sentence, by FID and sFID. */
export function methodSentence(table: TableSummary, { method, against }: MethodRow): string {
  const clauses = (['fid', 'sfid'] as const).flatMap((metric) => {
    const comparison = against[metric];
    return comparison === undefined ? [] : [clause(table, comparison, metric)];
  });
  return `${methodTitle(method)}: ${clauses.length === 0 ? 'no trial of the same seed and task as one of KIND’s' : clauses.join('; ')}.`;
}

const names = (methods: readonly string[]) => (methods.length === 0 ? 'none' : methods.map(methodTitle).join(', '));

/** Where KIND stands by a metric, in sentences. */
export function standingSentence({ metric, place, of, worse, equal, better, unknown }: Standing): string {
  const { title } = metricOf(metric);
  if (place === null) return `${title}: there is no finished trial of KIND to compare with.`;
  const rank = `${title}: KIND is number ${place} of ${of} by the mean.`;
  if (worse.length + equal.length + better.length === 0) {
    return unknown.length === 0 ? rank : `${rank} There are too few pairs to say of any method whether it differs.`;
  }
  const undecided = unknown.length === 0 ? '' : ` Too few pairs to say: ${names(unknown)}.`;
  return `${rank} Worse than KIND: ${names(worse)}. Equal within noise: ${names(equal)}. Better: ${names(better)}.${undecided}`;
}
