import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from './job';

/** The file that a job writes last. */
function resultFile(job: Job): string {
  const { kind, key } = job;
  switch (kind) {
    case 'data':
      return job.dataset.file;
    case 'latents':
      return join('latents', `${key}.json`);
    case 'classifier':
      return join('classifiers', `${key}.json`);
    case 'base':
      return join('bases', key, 'base.json');
    case 'learning-rate':
    case 'tuning':
      return join('tuning', `${key}.json`);
    case 'trial':
    case 'budget':
      return join('trials', key, 'result.json');
    default:
      throw new Error(`job: unknown kind ${String(kind satisfies never)}`);
  }
}

/** Whether a job has left its result in the benchmark's folder. */
export function isDone(out: string, job: Job): boolean {
  return existsSync(join(out, resultFile(job)));
}
