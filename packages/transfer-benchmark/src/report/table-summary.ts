import type { TrialResult, TrialTable } from '../plan/result';
import { conditionKey, pairKey, type Scope } from './conditions';
import { methodRow } from './method-row';
import { byMethod, KIND_METHOD } from './methods';
import { type MetricKey, metricOf } from './metrics';
import { precisionMarksOf } from './precision-marks';
import type { MethodRow, Standing, TableSummary } from './summary-types';

/** The trials of each method, in the order of the methods' table. */
export function groupByMethod(trials: readonly TrialResult[]): [string, TrialResult[]][] {
  const groups = new Map<string, TrialResult[]>();
  for (const trial of trials) groups.set(trial.method, [...(groups.get(trial.method) ?? []), trial]);
  return [...groups].sort(([a], [b]) => byMethod(a, b));
}

/** Sums up a table in a scope. `trials` holds KIND's own, which all others are compared with. */
export function tableSummary(
  trials: readonly TrialResult[],
  scope: Scope,
  { table, group }: { table: TrialTable; group?: string },
): TableSummary {
  const keys = new Set(scope.conditions.map(conditionKey));
  const own = trials.filter((trial) => keys.has(conditionKey(trial)));
  const kind = own.filter(({ method }) => method === KIND_METHOD);
  const methods = groupByMethod(own);
  const rows = methods.map(([method, members]) => methodRow(members, method === KIND_METHOD ? [] : kind, scope));
  const places = new Map(own.map((trial) => [pairKey(trial), trial]));
  const missing = methods.flatMap(([method, members]) => {
    const has = new Set(members.map(pairKey));
    return [...places]
      .filter(([key]) => !has.has(key))
      .map(([, trial]) => ({ method, task: trial.task, seed: trial.seed }));
  });
  const score = ({ metrics }: MethodRow) => metrics.fid.mean ?? Number.POSITIVE_INFINITY;
  const order = (a: MethodRow, b: MethodRow) => (score(a) === score(b) ? 0 : score(a) - score(b));
  return {
    table,
    ...(group === undefined ? {} : { group }),
    title: scope.title,
    conditions: scope.conditions,
    rows: rows.sort(order),
    precisionMarks: precisionMarksOf(own),
    missing,
  };
}

/** Where KIND stands in a table by a metric. */
export function standing({ rows }: TableSummary, metric: MetricKey): Standing {
  const others = rows.filter(({ method }) => method !== KIND_METHOD);
  const withVerdict = (wanted: string) =>
    others.filter(({ against }) => (against[metric]?.verdict ?? 'unknown') === wanted).map(({ method }) => method);
  const sign = metricOf(metric).lowerIsBetter ? 1 : -1;
  const ranked = rows
    .filter(({ metrics }) => metrics[metric].mean !== null)
    .sort((a, b) => sign * ((a.metrics[metric].mean as number) - (b.metrics[metric].mean as number)));
  const place = ranked.findIndex(({ method }) => method === KIND_METHOD);
  return {
    metric,
    place: place < 0 ? null : place + 1,
    of: ranked.length,
    worse: withVerdict('worse'),
    equal: withVerdict('equal'),
    better: withVerdict('better'),
    unknown: withVerdict('unknown'),
  };
}
