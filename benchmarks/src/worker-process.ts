import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Profile } from './profile';

/** How a worker process is started. */
export interface Launch {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

type Answer = { error?: string } & Record<string, unknown>;

/** A worker process that prepares and times work items on request; one request at a time. */
export class Worker {
  /** What it said of itself when it was ready. */
  readonly about: Readonly<Record<string, string>>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[];

  private constructor(
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
    { about, errors }: { about: Record<string, string>; errors: string[] },
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#errors = errors;
    this.about = about;
  }

  /** Starts a process and waits until it is ready. */
  static async start({ command, args, env, cwd }: Launch): Promise<Worker> {
    const child = spawn(command, [...args], { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors.push(text);
      if (errors.length > 50) errors.shift();
    });
    child.on('error', (error) => errors.push(error.message));
    child.stdin.on('error', () => {}); // A worker that died is reported by its missing answer.
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { ready } = await nextAnswer(lines, errors);
    return new Worker(child, lines, { about: ready as Record<string, string>, errors });
  }

  /** Makes the work item; returns numbers that all workers must agree on. */
  async prepare(task: string, spec: object): Promise<number[]> {
    const check = (await this.#ask({ op: 'prepare', task, spec })).check as (number | null)[];
    return check.map((number) => number ?? Number.NaN);
  }

  /** Times in milliseconds an execution: `samples` of them, each over `inner` executions. */
  async run(samples: number, inner: number): Promise<number[]> {
    return (await this.#ask({ op: 'run', samples, inner })).ms as number[];
  }

  /** Where the time of the work item goes; only ours can tell. */
  async profile(executions: number): Promise<Profile> {
    return (await this.#ask({ op: 'profile', executions })) as unknown as Profile;
  }

  /** Drops the work item. */
  async release(): Promise<void> {
    await this.#ask({ op: 'release' });
  }

  /** Peak resident memory of the process so far, MiB. */
  async peakMiB(): Promise<number> {
    return (await this.#ask({ op: 'memory' })).peakMiB as number;
  }

  /** Ends the process. */
  stop(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }

  async #ask(request: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return nextAnswer(this.#lines, this.#errors);
  }
}

async function nextAnswer(lines: AsyncIterator<string>, errors: readonly string[]): Promise<Answer> {
  const { value, done } = await lines.next();
  if (done)
    throw new Error(`worker ended: ${errors.join('').trim().split('\n').slice(-3).join(' | ') || 'no message'}`);
  const answer = JSON.parse(value) as Answer;
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
