import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, type Progress } from '@learngene/pipeline';
import { expect } from 'vitest';
import type { Job } from '../src/jobs/job';
import { resolveJobs } from '../src/jobs/resolve-jobs';
import type { BenchmarkPlan } from '../src/plan/benchmark-plan';
import { type BenchmarkResult, runBenchmark } from '../src/schedule/run-benchmark';
import { runJob } from '../src/schedule/run-job';

/** How {@link runInProcess} runs a plan. */
export interface InProcessRun {
  out: string;
  only?: string[];
  /** Called before every job. */
  before?: (job: Job) => void;
  progress?: Progress;
  signal?: AbortSignal;
  onProgress?: (job: Job, done: number) => void;
}

/** Runs a plan in a folder, in this process, one job at a time. */
export function runInProcess(plan: BenchmarkPlan, run: InProcessRun): Promise<BenchmarkResult> {
  const { out, only, before, progress = noProgress, signal = new AbortController().signal, onProgress } = run;
  return runBenchmark({
    out,
    plan,
    jobs: resolveJobs(plan),
    engine: { name: 'test', detail: 'test' },
    workers: 1,
    only,
    progress,
    signal,
    async execute(job, told) {
      before?.(job);
      const sent = JSON.parse(JSON.stringify(job)) as Job; // as another process would have it
      const tell = (done: number) => {
        told(done);
        onProgress?.(job, done);
      };
      await runJob({ out, engine: 'test', progress, signal, onProgress: tell }, sent);
    },
  });
}

/** Runs a plan of which every job must succeed; returns the jobs that were done: those whose results were not there. */
export async function runPlan(out: string, plan: BenchmarkPlan): Promise<Job[]> {
  const done: Job[] = [];
  const { failed } = await runInProcess(plan, { out, before: (job) => void done.push(job) });
  expect(failed).toEqual([]);
  return done;
}

/** A JSON file, by the parts of its path. */
export const readJson = <T>(...parts: string[]): T => JSON.parse(readFileSync(join(...parts), 'utf8')) as T;
