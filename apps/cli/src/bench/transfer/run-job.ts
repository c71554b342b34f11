import { pretrainBase, sweepBase } from './base-training';
import { runBudget } from './budget';
import { copyTwin, runCell } from './cell';
import type { JobContext } from './context';
import { openPlanDataset } from './data';
import type { Job } from './jobs';
import { trainJudge } from './scoring';
import { tuneMethod } from './tuning';

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
