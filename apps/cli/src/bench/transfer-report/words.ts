import type { Comparison } from './compare';
import { intervalText, plural, signed } from './format';
import { methodTitle } from './methods';
import { type MetricKey, metricOf } from './metrics';
import type { MethodRow, Standing, TableSummary } from './summary-types';

/** Whether a comparison is judged by ratios: over tasks, where the scales differ. */
export function byRatio({ conditions }: TableSummary, comparison: Comparison): boolean {
  return conditions.length > 1 && comparison.percent !== null;
}

/** A verdict in a few words. */
export function verdictWords({ verdict, leaning, pairs }: Comparison): string {
  switch (verdict) {
    case 'better':
      return '▲ better';
    case 'worse':
      return '▼ worse';
    case 'unknown':
      return `${plural(pairs, 'pair')}: no interval`;
    case 'equal':
      return leaning === null ? '= equal within noise' : `= equal within noise, leans ${leaning}`;
  }
}

/** The difference to KIND with its interval: in percent where tasks are pooled, in the metric's unit otherwise. */
export function differenceText(table: TableSummary, comparison: Comparison, metric: MetricKey): string {
  if (byRatio(table, comparison)) {
    const { percent, percentInterval } = comparison;
    return `${signed(percent as number, 0)} %${percentInterval ? ` ${intervalText(percentInterval, 0)}` : ''}`;
  }
  const { digits } = metricOf(metric);
  const { difference, interval } = comparison;
  return `${signed(difference, digits)}${interval ? ` ${intervalText(interval, digits)}` : ''}`;
}

/** One metric of a method against KIND's, as a clause. */
function clause(metric: MetricKey, comparison: Comparison): string {
  const { title, digits } = metricOf(metric);
  const { difference, percent, interval, pairs, verdict, leaning } = comparison;
  const amount = `${Math.abs(difference).toFixed(digits)}${percent === null ? '' : ` (${signed(percent, 0)} %)`}`;
  const range = interval
    ? `95 % interval of the difference ${intervalText(interval, digits)}, ${plural(pairs, 'pair')}`
    : `${plural(pairs, 'pair')}, so no interval`;
  const side = difference === 0 ? 'the same' : `${difference > 0 ? 'higher' : 'lower'} by ${amount}`;
  switch (verdict) {
    case 'better':
    case 'worse':
      return `${title} ${verdict} than KIND’s, ${side} (${range})`;
    case 'equal':
      return `${title} equal within noise${leaning ? `, leaning ${leaning}` : ''}, ${side} (${range})`;
    case 'unknown':
      return `${title} ${side} (${range})`;
  }
}

/** A method against KIND in a sentence, by FID and sFID. */
export function methodSentence({ method, against }: MethodRow): string {
  const clauses = (['fid', 'sfid'] as const).flatMap((metric) => {
    const comparison = against[metric];
    return comparison === undefined ? [] : [clause(metric, comparison)];
  });
  return `${methodTitle(method)}: ${clauses.length === 0 ? 'no cell of the same seed and task as one of KIND’s' : clauses.join('; ')}.`;
}

const names = (methods: readonly string[]) => (methods.length === 0 ? 'none' : methods.map(methodTitle).join(', '));

/** Where KIND stands by a metric, in a sentence. */
export function standingSentence({ metric, place, of, worse, equal, better, unknown }: Standing): string {
  const { title } = metricOf(metric);
  if (place === null) return `${title}: there is no finished cell of KIND to compare with.`;
  const undecided = unknown.length === 0 ? '' : ` Too few pairs to say: ${names(unknown)}.`;
  return `${title}: KIND is number ${place} of ${of} by the mean. Worse than KIND: ${names(worse)}. Equal within noise: ${names(equal)}. Better: ${names(better)}.${undecided}`;
}
