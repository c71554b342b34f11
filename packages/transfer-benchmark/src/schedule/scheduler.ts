import type { Job } from '../plan/jobs';
import type { Graph } from './graph';

/** Does one piece of work; throws where it fails. */
export type Execute = (job: Job, progress: (done: number) => void) => Promise<void>;

/** How a schedule is run. */
export interface ScheduleOptions {
  /** Pieces of work at a time. */
  jobs: number;
  /** Whether a piece was done before. */
  done(job: Job): boolean;
  execute: Execute;
  signal: AbortSignal;
  /** Called whenever something has moved. */
  onProgress?(state: ScheduleState): void;
  /** Called when a piece failed, or cannot be done because of one that it needs. */
  onFailure?(job: Job, message: string): Promise<void>;
}

/** How far a schedule is. */
export interface ScheduleState {
  /** Cost done, parts of running pieces included. */
  cost: number;
  totalCost: number;
  /** Pieces done, those of before included. */
  done: number;
  total: number;
  failed: number;
  running: string[];
}

/** What came of a schedule. */
export interface ScheduleResult {
  done: number;
  failed: { job: Job; message: string }[];
}

/**
 * Does all work of a graph, several pieces at a time, each after what it needs. A piece that fails takes those that need
 * it with it and no others. An abort lets nothing new begin, waits for what is running, and rejects with its reason.
 */
export async function runSchedule(graph: Graph, options: ScheduleOptions): Promise<ScheduleResult> {
  const { jobs, done, execute, signal, onProgress, onFailure } = options;
  const finished = new Set<string>();
  const broken = new Map<string, string>();
  const waiting = new Map(graph);
  const running = new Map<string, { part: number; promise: Promise<void> }>();
  const failed: ScheduleResult['failed'] = [];
  const costOf = (key: string) => graph.get(key)?.cost ?? 0;
  let total = 0;
  for (const [key, { job, cost }] of graph) {
    if (done(job)) {
      finished.add(key);
      waiting.delete(key);
    } else total += cost;
  }
  const before = finished.size;
  let spent = 0;
  const report = () => {
    const parts = [...running].reduce((sum, [key, { part }]) => sum + part * costOf(key), 0);
    onProgress?.({
      cost: spent + parts,
      totalCost: total,
      done: finished.size,
      total: graph.size,
      failed: broken.size,
      running: [...running.keys()],
    });
  };
  const fail = async (job: Job, message: string) => {
    broken.set(job.key, message);
    waiting.delete(job.key);
    failed.push({ job, message });
    spent += costOf(job.key);
    await onFailure?.(job, message);
  };
  const begin = (key: string, job: Job) => {
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
      for (const { job, needs } of [...waiting.values()]) {
        const cause = needs.find((key) => broken.has(key));
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
      for (const [key, { job, needs }] of waiting) {
        if (running.size >= jobs) break;
        if (needs.every((need) => finished.has(need))) begin(key, job);
      }
    }
    if (running.size === 0) break;
    await Promise.race([...running.values()].map(({ promise }) => promise));
  }
  signal.throwIfAborted();
  return { done: finished.size - before, failed };
}
