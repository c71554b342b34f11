import { chooseLearningRate, pretrainBase } from '../bases/base-jobs';
import { checkJob, checkOptions } from '../check-options';
import type { JobContext } from '../data/context';
import { openImages } from '../data/data';
import { encodeLatents } from '../data/latents';
import { runBudget } from '../experiments/budget';
import { copySharedResult, runTrial } from '../experiments/trial';
import { tuneMethod } from '../experiments/tuning';
import type { Job } from '../jobs/job';
import { trainClassifierJob } from '../score/classifier';

const NEEDED = ['out', 'engine', 'progress', 'signal', 'onProgress'];

/**
 * Does one job; those that it needs must be done.
 *
 * @throws RangeError for a context or a job that is none; what the job throws
 */
export async function runJob(context: JobContext, job: Job): Promise<void> {
  checkOptions(context, NEEDED, NEEDED);
  checkJob(job);
  switch (job.kind) {
    case 'data':
      await openImages(context.out, job.dataset, context.progress);
      return;
    case 'latents':
      return encodeLatents(context, job, await openImages(context.out, job.dataset, context.progress));
    case 'classifier':
      return trainClassifierJob(context, job);
    case 'learning-rate':
      return chooseLearningRate(context, job);
    case 'base':
      return pretrainBase(context, job);
    case 'tuning':
      return tuneMethod(context, job);
    case 'trial':
      if (job.sharedResult === undefined) return runTrial(context, job);
      return copySharedResult(context, job, job.sharedResult);
    case 'budget':
      return runBudget(context, job);
    default:
      throw new Error(`job: unknown ${JSON.stringify(job satisfies never)}`);
  }
}
