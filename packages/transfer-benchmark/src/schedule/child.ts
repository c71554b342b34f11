import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { InterruptedError } from '@learngene/trainer';
import type { Execute } from './scheduler';

/** What a worker process tells its parent. */
export type WorkerMessage = { progress: number } | { error: string };

/** How worker processes are started. */
export interface ChildOptions {
  /** The grid's folder. */
  out: string;
  engine: string;
  /** Workers at a time; each gets its share of the processors. */
  jobs: number;
  signal: AbortSignal;
}

/** The program that is running, in which a worker is a hidden command. */
function program(): string {
  const [, script] = process.argv;
  if (script === undefined) throw new Error('worker: expected the path of the program in process.argv');
  return script;
}

/** Runs each piece of work in a process of its own: its memory can be told, and what breaks in it breaks nothing else. */
export function childExecutor({ out, engine, jobs, signal }: ChildOptions): Execute {
  const threads = process.env.LEARNGENE_NUM_THREADS ?? String(Math.max(1, Math.floor(availableParallelism() / jobs)));
  return (job, progress) =>
    new Promise((resolve, reject) => {
      const child = fork(program(), ['bench', 'transfer-worker', '--out', out, '--job', job.key, '--engine', engine], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        // A group of its own: Ctrl-C reaches it once, through us.
        detached: true,
        env: { ...process.env, LEARNGENE_NUM_THREADS: threads },
      });
      let message: string | undefined;
      let stderr = '';
      const stop = () => child.kill('SIGINT');
      signal.addEventListener('abort', stop, { once: true });
      child.stderr?.on('data', (chunk) => {
        stderr = `${stderr}${chunk}`.slice(-2000);
      });
      child.on('message', (told: WorkerMessage) => {
        if ('progress' in told) progress(told.progress);
        else message = told.error;
      });
      child.on('error', reject);
      child.on('close', (code, ended) => {
        signal.removeEventListener('abort', stop);
        if (code === 0) resolve();
        else if (code === 130 || code === 143) reject(new InterruptedError('interrupted'));
        else
          reject(
            new Error(
              message ?? `worker ended by ${ended ?? `exit code ${code}`}: ${stderr.trim().split('\n').at(-1)}`,
            ),
          );
      });
    });
}
