import { checkJob, checkJobs } from '../check-options';
import type { BudgetJob, Job, Jobs, TrialJob } from './job';

/** Whether a job leaves a row of the report: a trial, or a model within a budget. */
export function hasResult(job: Job): job is TrialJob | BudgetJob {
  checkJob(job);
  return job.kind === 'trial' || job.kind === 'budget';
}

/** The method of a job that leaves a row of the report. */
export function methodOf(job: TrialJob | BudgetJob): string {
  checkJob(job);
  return job.kind === 'trial' ? job.trial.method : job.budget.method;
}

/**
 * The trials and budgets of some methods, and all jobs that they need.
 *
 * @throws RangeError for a method that no job is of, with those that there are
 */
export function selectJobs(jobs: Jobs, methods: readonly string[]): Jobs {
  checkJobs(jobs);
  if (!Array.isArray(methods)) throw new RangeError(`methods: expected an array of names, got ${String(methods)}`);
  const known = new Set([...jobs.values()].filter(hasResult).map(methodOf));
  const odd = methods.find((method) => !known.has(method));
  if (odd !== undefined) throw new RangeError(`methods: expected one of ${[...known].join(', ')}, got '${odd}'`);
  const selected = new Set<string>();
  const select = (key: string): void => {
    if (selected.has(key)) return;
    selected.add(key);
    for (const need of jobs.get(key)?.needs ?? []) select(need);
  };
  for (const job of jobs.values()) if (hasResult(job) && methods.includes(methodOf(job))) select(job.key);
  return new Map([...jobs].filter(([key]) => selected.has(key)));
}
