import { hasResult } from '../jobs/select-jobs';
import type { Results } from './read-results';

/** The number of trials of the plan, models within a budget among them, that are neither done nor failed; null without a plan. */
export function openTrials({ jobs, trials, errors }: Pick<Results, 'jobs' | 'trials' | 'errors'>): number | null {
  if (jobs === undefined) return null;
  const ended = new Set([...trials, ...errors].map(({ trial }) => trial));
  return [...jobs.values()].filter((job) => hasResult(job) && !ended.has(job.key)).length;
}
