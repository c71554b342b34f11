import type { Progress } from '@learngene/pipeline';
import { counted } from '@learngene/pipeline';
import { checkJobs, checkOptions, checkPositive, checkText } from '../check-options';
import { isDone } from '../jobs/is-done';
import type { Job, Jobs } from '../jobs/job';
import { hasResult, selectJobs } from '../jobs/select-jobs';
import type { BenchmarkPlan } from '../plan/benchmark-plan';
import { checkGivenPlan } from '../plan/check-given-plan';
import { archiveTrials, clearFailure, prepareFolder, writeFailure, writeSpectra } from './benchmark-folder';
import { type Execute, runSchedule, type ScheduleResult } from './scheduler';

/** What {@link runBenchmark} runs. */
export interface RunBenchmarkOptions {
  /** The folder to write. */
  out: string;
  /** The plan. */
  plan: BenchmarkPlan;
  /** The jobs of the plan, by `resolveJobs`. */
  jobs: Jobs;
  /** The engine of all jobs; it is recorded in the folder. */
  engine: {
    /** Name of the engine. */
    name: string;
    /** What it runs on. */
    detail: string;
  };
  /** Jobs at a time. */
  workers: number;
  /** Keeps the trials of these methods, and what they need (default: all). */
  only?: readonly string[];
  /** Does one job, e.g. in a process of its own by `workerExecutor`. */
  execute: Execute<Job>;
  /** Gets the progress of the benchmark, and a warning for every job that fails. */
  progress: Progress;
  /** An abort ends the benchmark; results that are done stay. */
  signal: AbortSignal;
}

/** What {@link runBenchmark} has done. */
export interface BenchmarkResult extends ScheduleResult<Job> {
  /** Trials of the plan, models within a budget among them, as far as they were asked for. */
  trials: number;
}

/** A thousand passes: the unit of the progress bar. */
const UNIT = 1000;

const NEEDED = ['out', 'plan', 'jobs', 'engine', 'workers', 'execute', 'progress', 'signal'];

function checkRun(options: RunBenchmarkOptions): void {
  checkOptions(options, [...NEEDED, 'only'], NEEDED);
  const { out, plan, jobs, engine, workers } = options;
  checkText('out', out);
  checkGivenPlan('runBenchmark', plan);
  checkJobs(jobs);
  checkText('engine.name', engine.name);
  checkText('engine.detail', engine.detail);
  checkPositive('workers', workers);
}

/**
 * Runs the jobs of a plan that its folder does not have yet.
 *
 * @throws RangeError and ConfigError for an option that is unknown, missing or not what it should be, and for a folder of
 *   something else; the signal's reason after an abort
 */
export async function runBenchmark(options: RunBenchmarkOptions): Promise<BenchmarkResult> {
  checkRun(options);
  const { out, plan, jobs, engine, workers, only, execute, progress, signal } = options;
  await prepareFolder(out, plan, engine);
  await archiveTrials(out, jobs);
  const selected = only === undefined ? jobs : selectJobs(jobs, only);
  const trials = [...selected.values()].filter(hasResult).length;
  progress.info(`${plan.name}: ${counted(trials, 'trial')}, ${counted(selected.size, 'job')}, ${workers} at a time`);
  let bar: ReturnType<Progress['startBar']> | undefined;
  try {
    const result = await runSchedule(selected, {
      workers,
      done: (job) => isDone(out, job),
      async execute(job, onProgress) {
        await clearFailure(out, job);
        await execute(job, onProgress);
      },
      signal,
      async onFailure(job, message) {
        await writeFailure(out, job, message);
        progress.warn(`${job.key}: ${message}`);
      },
      onProgress({ cost, totalCost, done, total, failed, running }) {
        bar ??= progress.startBar('Benchmark', Math.ceil(totalCost / UNIT), 'k passes');
        const broken = failed > 0 ? `, ${failed} failed` : '';
        bar.update(Math.floor(cost / UNIT), `${done}/${total}${broken} ${running.join(' ')}`);
      },
    });
    return { ...result, trials };
  } finally {
    bar?.stop();
    await writeSpectra(out, jobs);
  }
}
