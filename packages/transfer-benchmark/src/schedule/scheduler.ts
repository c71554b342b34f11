import type { JobNode } from '../jobs/job';

/** Does one job; rejects where it fails. */
export type Execute<J> = (job: J, progress: (done: number) => void) => Promise<void>;

/** How a schedule is run. */
export interface ScheduleOptions<J extends JobNode> {
  /** Jobs at a time. */
  workers: number;
  /** Whether a job was done before. */
  done(job: J): boolean;
  /** Does one job. */
  execute: Execute<J>;
  /** After an abort no job begins. */
  signal: AbortSignal;
  /** Called when a job begins, ends or tells how far it is. */
  onProgress?(state: ScheduleState): void;
  /** Called when a job failed, or cannot be done because one that it needs failed. */
  onFailure?(job: J, message: string): Promise<void>;
}

/** How far a schedule is. */
export interface ScheduleState {
  /** Cost done, parts of running jobs included. */
  cost: number;
  totalCost: number;
  /** Jobs done, those done before included. */
  done: number;
  total: number;
  failed: number;
  running: string[];
}

/** What a schedule has done. */
export interface ScheduleResult<J> {
  /** Jobs that were done now. */
  done: number;
  /** Jobs that failed, and those that could not be done because one that they need failed. */
  failed: {
    /** The job. */
    job: J;
    /** What went wrong. */
    message: string;
  }[];
}

/**
 * Does jobs, several at a time, each after those that it needs. Where a job fails, the jobs that need it fail too, and the
 * others go on. After an abort no job begins; the promise rejects with the signal's reason when the running ones have ended.
 */
export async function runSchedule<J extends JobNode>(
  jobs: ReadonlyMap<string, J>,
  options: ScheduleOptions<J>,
): Promise<ScheduleResult<J>> {
  const { workers, done, execute, signal, onProgress, onFailure } = options;
  const finished = new Set<string>();
  const broken = new Map<string, string>();
  const waiting = new Map(jobs);
  const running = new Map<string, { part: number; promise: Promise<void> }>();
  const failed: ScheduleResult<J>['failed'] = [];
  const costOf = (key: string) => jobs.get(key)?.cost ?? 0;
  let total = 0;
  for (const [key, job] of jobs) {
    if (done(job)) {
      finished.add(key);
      waiting.delete(key);
    } else total += job.cost;
  }
  const before = finished.size;
  let spent = 0;
  const report = () => {
    const parts = [...running].reduce((sum, [key, { part }]) => sum + part * costOf(key), 0);
    onProgress?.({
      cost: spent + parts,
      totalCost: total,
      done: finished.size,
      total: jobs.size,
      failed: broken.size,
      running: [...running.keys()],
    });
  };
  const fail = async (job: J, message: string) => {
    broken.set(job.key, message);
    waiting.delete(job.key);
    failed.push({ job, message });
    spent += costOf(job.key);
    await onFailure?.(job, message);
  };
  const begin = (key: string, job: J) => {
    waiting.delete(key);
    const entry = { part: 0, promise: Promise.resolve() };
    running.set(key, entry);
    entry.promise = execute(job, (part) => {
      entry.part = part;
      report();
    })
      .then(
        () => {
          finished.add(key);
          spent += costOf(key);
        },
        async (error) => {
          if (!signal.aborted) await fail(job, error instanceof Error ? error.message : String(error));
        },
      )
      .finally(() => {
        running.delete(key);
        report();
      });
  };
  const skipBroken = async () => {
    for (let again = true; again; ) {
      again = false;
      for (const job of [...waiting.values()]) {
        const cause = job.needs.find((key) => broken.has(key));
        if (cause === undefined) continue;
        await fail(job, `needs ${cause}, which failed: ${broken.get(cause)}`);
        again = true;
      }
    }
  };
  report();
  while (true) {
    await skipBroken();
    if (!signal.aborted) {
      for (const [key, job] of waiting) {
        if (running.size >= workers) break;
        if (job.needs.every((need) => finished.has(need))) begin(key, job);
      }
    }
    if (running.size === 0) break;
    await Promise.race([...running.values()].map(({ promise }) => promise));
  }
  signal.throwIfAborted();
  return { done: finished.size - before, failed };
}
