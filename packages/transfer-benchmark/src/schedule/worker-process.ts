import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InterruptedError } from '@learngene/trainer';
import { checkOptions, checkPositive } from '../check-options';
import type { Job } from '../jobs/job';
import type { Execute } from './scheduler';

/** What a worker process is sent: its job, and where and on which engine it is done. */
export interface WorkerTask {
  out: string;
  engine: string;
  job: Job;
}

/** Asks a worker process to end after its step; a signal would end it at once on Windows. */
export interface WorkerStop {
  /** Always true. */
  stop: true;
}

/** What a worker process tells its parent. */
export type WorkerMessage = { progress: number } | { warning: string } | { error: string };

/** How worker processes are started. */
export interface WorkerOptions {
  /** The benchmark's folder. */
  out: string;
  /** The engine of all workers. */
  engine: string;
  /** Workers at a time; each gets its share of the processors. */
  workers: number;
  /** An abort ends all workers. */
  signal: AbortSignal;
  /** Called with the warnings of workers. */
  warn(text: string): void;
  /** Milliseconds that a worker has to end after an abort; it is killed then (default 60,000). */
  grace?: number;
  /** The program of a worker (default: this package's own, `@learngene/transfer-benchmark/worker`). */
  program?: string;
}

const NEEDED = ['out', 'engine', 'workers', 'signal', 'warn'];

/** The worker of the built package: bundles lie beside each other. */
const builtWorker = () => fileURLToPath(new URL('./worker.js', import.meta.url));

/** No console window for a process group of its own on Windows; `fork` hands it on to `spawn`, and its type does not say so. */
const NO_WINDOW: object = { windowsHide: true };

/** The line of what a program printed that says why it ended: the last one of an error, else the last one. */
function lastWord(text: string): string | undefined {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
}

/**
 * Runs each job in a process of its own: its memory can be measured, and a crash ends one job alone.
 *
 * @throws RangeError for an option that is unknown, missing or out of range
 */
export function workerExecutor(options: WorkerOptions): Execute<Job> {
  checkOptions(options, [...NEEDED, 'grace', 'program'], NEEDED);
  checkPositive('workers', options.workers);
  const { out, engine, workers, signal, warn, grace = 60_000, program = builtWorker() } = options;
  const threads =
    process.env.LEARNGENE_NUM_THREADS ?? String(Math.max(1, Math.floor(availableParallelism() / workers)));
  const warned = new Set<string>();
  /** Jobs of one task have the same warnings: each is told once. */
  const warnOnce = (text: string) => {
    if (warned.has(text)) return;
    warned.add(text);
    warn(text);
  };
  return (job, progress) =>
    new Promise((resolve, reject) => {
      const child = fork(program, [], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        // A process group of its own: Ctrl-C reaches it once, through us.
        detached: true,
        ...NO_WINDOW,
        env: { ...process.env, LEARNGENE_NUM_THREADS: threads },
      });
      let message: string | undefined;
      let stderr = '';
      let killing: NodeJS.Timeout | undefined;
      let killed = false;
      const kill = () => {
        killed = true;
        child.kill('SIGKILL');
      };
      const stop = () => {
        const ask: WorkerStop = { stop: true };
        if (child.connected) child.send(ask, (error) => error && kill());
        killing = setTimeout(kill, grace);
      };
      signal.addEventListener('abort', stop, { once: true });
      child.stderr?.on('data', (chunk) => {
        stderr = `${stderr}${chunk}`.slice(-2000);
      });
      child.on('message', (told: WorkerMessage) => {
        if ('progress' in told) progress(told.progress);
        else if ('warning' in told) warnOnce(told.warning);
        else message = told.error;
      });
      child.on('error', reject);
      child.on('close', (code, ended) => {
        signal.removeEventListener('abort', stop);
        clearTimeout(killing);
        if (code === 0) resolve();
        else if (code === 130 || code === 143 || killed) reject(new InterruptedError('interrupted'));
        else reject(new Error(message ?? `worker ended by ${ended ?? `exit code ${code}`}: ${lastWord(stderr)}`));
      });
      const task: WorkerTask = { out, engine, job };
      child.send(task, (error) => {
        // A worker that ended before it could be sent anything says why when it closes.
        if (error) stderr += `\n${error.message}`;
      });
    });
}
