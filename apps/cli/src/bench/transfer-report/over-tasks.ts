import type { CellResult } from '../transfer/result';
import { type Comparison, compare, judge, percentOf } from './compare';
import { type Condition, conditionKey, conditionsOf, settingTitle } from './conditions';
import { kindMethod } from './methods';
import { metricOf } from './metrics';
import { bootstrapInterval } from './statistics';
import type { OverTasks, OverTasksRow } from './summary-types';
import { groupByMethod } from './table-summary';

/** Fewest tasks of which a mean is worth a table. */
const fewest = 3;

/** The conditions of the pictures and steps that most tasks were run with: one for each task. */
function tasksOf(cells: readonly CellResult[]): Condition[] {
  const settings = new Map<string, Condition[]>();
  for (const condition of conditionsOf(cells)) {
    const setting = settingTitle(condition);
    settings.set(setting, [...(settings.get(setting) ?? []), condition]);
  }
  return [...settings.values()].reduce((a, b) => (b.length > a.length ? b : a), []);
}

/** A method against KIND by tasks; undefined where a task has no pair. */
function compareTasks(
  cells: readonly CellResult[],
  kind: readonly CellResult[],
  { metric, tasks }: { metric: 'fid' | 'sfid'; tasks: readonly Condition[] },
): OverTasksRow['fid'] | undefined {
  const each = tasks.map((task): Comparison | undefined => {
    const own = cells.filter((cell) => conditionKey(cell) === conditionKey(task));
    return compare(own, kind, { metric, acrossTasks: true });
  });
  const known = each.filter((one): one is Comparison & { percent: number } => (one?.percent ?? null) !== null);
  if (known.length < tasks.length) return undefined;
  const ratios = known.map(({ percent }) => Math.log1p(percent / 100));
  const interval = bootstrapInterval(ratios);
  return {
    tasks: known.map(({ percent, pairs }) => ({ percent, pairs })),
    percent: percentOf(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length),
    interval: interval === undefined ? null : [percentOf(interval[0]), percentOf(interval[1])],
    ...judge(ratios, metricOf(metric)),
  };
}

/**
 * Methods that every task has, against KIND: the geometric mean of a task's ratios, then the mean of the tasks, each
 * counting once. Undefined with fewer than three tasks.
 */
export function overTasks(cells: readonly CellResult[]): OverTasks | undefined {
  const kind = cells.filter(({ method }) => method === kindMethod);
  const tasks = tasksOf(kind);
  if (tasks.length < fewest) return undefined;
  const rows = groupByMethod(cells).flatMap(([method, own]): OverTasksRow[] => {
    if (method === kindMethod) return [];
    const [fid, sfid] = (['fid', 'sfid'] as const).map((metric) => compareTasks(own, kind, { metric, tasks }));
    return fid && sfid ? [{ method, fid, sfid }] : [];
  });
  return rows.length === 0 ? undefined : { tasks, rows };
}
