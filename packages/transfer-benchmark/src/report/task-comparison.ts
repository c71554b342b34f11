import type { Jobs } from '../jobs/job';
import type { TrialResult } from '../plan/result';
import { studentInterval } from '../statistics';
import { type Comparison, compare, percentOf, verdictOf } from './compare';
import { type Condition, conditionKey, conditionsOf, settingTitle } from './conditions';
import { KIND_METHOD } from './methods';
import { metricOf } from './metrics';
import type { MeanRatio, TaskComparison, TaskComparisonRow, TaskComparisons } from './summary-types';
import { groupByMethod } from './table-summary';

/** The fewest tasks for which the mean over them is shown. */
const FEWEST_TASKS = 3;

/** What tells the base models of tasks apart: data, classes, patches and autoencoder, from the jobs of the plan; the task's own name where it has none. */
function baseDataOf(jobs: Jobs | undefined): (task: string) => string {
  const known = new Map<string, string>();
  for (const job of jobs?.values() ?? []) {
    if (job.kind !== 'trial') continue;
    const { dataset, classes, model } = job.transfer.base;
    const hash = dataset.latents?.autoencoder.hash;
    known.set(job.trial.task, JSON.stringify([dataset.name, classes, model.patchSize, hash]));
  }
  return (task) => known.get(task) ?? task;
}

/** The setting (images a class, steps) that most tasks were run with, as one condition for each task. */
function tasksOf(trials: readonly TrialResult[]): Condition[] {
  const settings = new Map<string, Condition[]>();
  for (const condition of conditionsOf(trials)) {
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
    ...verdictOf(ratios, metricOf(metric)),
  };
}

/** A method against KIND by tasks; undefined where a task has no pair. */
function compareTasks(
  trials: readonly TrialResult[],
  kind: readonly TrialResult[],
  { metric, tasks, baseOf }: { metric: 'fid' | 'sfid'; tasks: readonly Condition[]; baseOf: (task: string) => string },
): TaskComparison | undefined {
  const each = tasks.map((task): Comparison | undefined => {
    const own = trials.filter((trial) => conditionKey(trial) === conditionKey(task));
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
export function compareOverTasks(trials: readonly TrialResult[], jobs?: Jobs): TaskComparisons | undefined {
  const kind = trials.filter(({ method }) => method === KIND_METHOD);
  const tasks = tasksOf(kind);
  if (tasks.length < FEWEST_TASKS) return undefined;
  const baseOf = baseDataOf(jobs);
  const rows = groupByMethod(trials).flatMap(([method, own]): TaskComparisonRow[] => {
    if (method === KIND_METHOD) return [];
    const [fid, sfid] = (['fid', 'sfid'] as const).map((metric) => compareTasks(own, kind, { metric, tasks, baseOf }));
    return fid && sfid ? [{ method, fid, sfid }] : [];
  });
  return rows.length === 0 ? undefined : { tasks, rows };
}
