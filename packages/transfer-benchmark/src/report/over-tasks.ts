import { z } from 'zod';
import type { CellResult } from '../plan/result';
import { type Comparison, compare, judge, percentOf } from './compare';
import { type Condition, conditionKey, conditionsOf, settingTitle } from './conditions';
import { kindMethod } from './methods';
import { metricOf } from './metrics';
import { studentInterval } from './statistics';
import type { MeanRatio, OverTasks, OverTasksRow, TaskComparison } from './summary-types';
import { groupByMethod } from './table-summary';

/** Fewest tasks of which a mean is worth a table. */
const fewest = 3;

const planSchema = z.object({
  tasks: z.record(
    z.string(),
    z.object({ dataset: z.string(), pretrainingDataset: z.string().optional(), pretraining: z.array(z.string()) }),
  ),
});

/** What base models of a task are trained on; the task's own name where the plan does not tell. */
function basesOf(plan: unknown): (task: string) => string {
  const { data } = planSchema.safeParse(plan);
  return (name) => {
    const task = data?.tasks[name];
    return task ? JSON.stringify([task.pretrainingDataset ?? task.dataset, task.pretraining]) : name;
  };
}

/** The conditions of the pictures and steps that most tasks were run with: one for each task. */
function tasksOf(cells: readonly CellResult[]): Condition[] {
  const settings = new Map<string, Condition[]>();
  for (const condition of conditionsOf(cells)) {
    const setting = settingTitle(condition);
    settings.set(setting, [...(settings.get(setting) ?? []), condition]);
  }
  return [...settings.values()].reduce((a, b) => (b.length > a.length ? b : a), []);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function meanRatio(ratios: readonly number[], metric: 'fid' | 'sfid'): MeanRatio {
  const interval = studentInterval(ratios);
  return {
    count: ratios.length,
    percent: percentOf(mean(ratios)),
    interval: interval === undefined ? null : [percentOf(interval[0]), percentOf(interval[1])],
    ...judge(ratios, metricOf(metric)),
  };
}

/** A method against KIND by tasks; undefined where a task has no pair. */
function compareTasks(
  cells: readonly CellResult[],
  kind: readonly CellResult[],
  { metric, tasks, baseOf }: { metric: 'fid' | 'sfid'; tasks: readonly Condition[]; baseOf: (task: string) => string },
): TaskComparison | undefined {
  const each = tasks.map((task): Comparison | undefined => {
    const own = cells.filter((cell) => conditionKey(cell) === conditionKey(task));
    return compare(own, kind, { metric, acrossTasks: true });
  });
  const known = each.filter((one): one is Comparison & { percent: number } => (one?.percent ?? null) !== null);
  if (known.length < tasks.length) return undefined;
  const ratios = known.map(({ percent }) => Math.log1p(percent / 100));
  const byBase = new Map<string, number[]>();
  for (const [i, { task }] of tasks.entries())
    byBase.set(baseOf(task), [...(byBase.get(baseOf(task)) ?? []), ratios[i]]);
  return {
    tasks: known.map(({ percent, pairs }) => ({ percent, pairs })),
    overTasks: meanRatio(ratios, metric),
    overBases: meanRatio([...byBase.values()].map(mean), metric),
  };
}

/**
 * Methods that every task has, against KIND: the geometric mean of a task's ratios, then the mean of the tasks, each
 * counting once, and of the base models that they stand on. Undefined with fewer than three tasks.
 */
export function overTasks(cells: readonly CellResult[], plan?: unknown): OverTasks | undefined {
  const kind = cells.filter(({ method }) => method === kindMethod);
  const tasks = tasksOf(kind);
  if (tasks.length < fewest) return undefined;
  const baseOf = basesOf(plan);
  const rows = groupByMethod(cells).flatMap(([method, own]): OverTasksRow[] => {
    if (method === kindMethod) return [];
    const [fid, sfid] = (['fid', 'sfid'] as const).map((metric) => compareTasks(own, kind, { metric, tasks, baseOf }));
    return fid && sfid ? [{ method, fid, sfid }] : [];
  });
  return rows.length === 0 ? undefined : { tasks, rows };
}
