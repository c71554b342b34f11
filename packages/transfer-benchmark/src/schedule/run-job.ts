import { chooseLearningRate, pretrainBase } from '../bases/base-jobs';
import type { JobContext } from '../data/context';
import { openDataset } from '../data/data';
import { runBudget } from '../experiments/budget';
import { copySharedResult, runTrial } from '../experiments/trial';
import { tuneMethod } from '../experiments/tuning';
import type { Job } from '../jobs/job';
import { trainClassifierJob } from '../score/classifier';

/** Does one job; those that it needs must be done. */
export async function runJob(context: JobContext, job: Job): Promise<void> {
  switch (job.kind) {
    case 'data':
      await openDataset(context.out, job.dataset, context.progress);
      return;
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
