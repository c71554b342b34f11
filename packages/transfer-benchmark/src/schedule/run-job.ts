import { pretrainBase, sweepBase } from '../bases/base-training';
import type { JobContext } from '../data/context';
import { openPlanDataset } from '../data/data';
import { runBudget } from '../experiments/budget';
import { copyTwin, runCell } from '../experiments/cell';
import { tuneMethod } from '../experiments/tuning';
import type { Job } from '../plan/jobs';
import { trainJudge } from '../score/scoring';

/** Does one piece of work, whose needs are done. */
export async function runJob(context: JobContext, job: Job): Promise<void> {
  switch (job.kind) {
    case 'data':
      await openPlanDataset(context.out, context.plan, job.dataset, context.output);
      return;
    case 'classifier':
      return trainJudge(context, job.dataset, job.role);
    case 'base-sweep':
      return sweepBase(context, job.base);
    case 'base':
      return pretrainBase(context, job.base);
    case 'tuning':
      return tuneMethod(context, job.tuning);
    case 'cell':
      if (!(await copyTwin(context, job.cell))) await runCell(context, job.cell);
      return;
    case 'budget':
      return runBudget(context, job.budget);
    default:
      throw new Error(`job: unknown ${JSON.stringify(job satisfies never)}`);
  }
}
