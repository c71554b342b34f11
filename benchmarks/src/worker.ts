// Our process: one JSON request a line on stdin, one JSON answer a line on stdout; python/worker.py speaks the same.
// Usage: node worker.js <engine>
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { chooseEngine, usePrecision } from '@learngene/engines/node';
import type { EngineName } from './engine-names';
import { finishWork } from './finish';
import { profile } from './profile';
import { autoencoderTasks } from './tasks/autoencoders';
import { kindTasks } from './tasks/kind';
import { linalgTasks } from './tasks/linalg';
import { modelTasks } from './tasks/models';
import { opTasks } from './tasks/ops';
import type { Task, WorkItem } from './tasks/task';
import { transferTasks } from './tasks/transfer-cell';

const tasks: Record<string, Task> = {
  ...opTasks,
  ...linalgTasks,
  ...modelTasks,
  ...kindTasks,
  ...autoencoderTasks,
  ...transferTasks,
};
let engine: Awaited<ReturnType<typeof chooseEngine>>;
let item: WorkItem | undefined;

type Request =
  | { op: 'prepare'; task: string; spec: { precision?: 'f32' | 'bf16' } }
  | { op: 'run'; samples: number; inner: number }
  | { op: 'profile'; executions: number }
  | { op: 'release' | 'memory' };

async function prepare(task: string, spec: { precision?: 'f32' | 'bf16' }): Promise<{ check: number[] }> {
  release();
  usePrecision(spec.precision ?? 'f32', engine);
  item = await tasks[task](spec as never);
  return { check: await item.check() };
}

/** `samples` times of `inner` executions each, in milliseconds an execution. */
async function time(samples: number, inner: number): Promise<{ ms: number[] }> {
  const { run } = item as WorkItem;
  const ms: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const started = performance.now();
    for (let i = 0; i < inner; i++) {
      const result = run();
      if (result instanceof Promise) await result;
      const finished = finishWork();
      if (finished instanceof Promise) await finished;
    }
    ms.push((performance.now() - started) / inner);
  }
  return { ms };
}

function release(): object {
  item?.dispose();
  item = undefined;
  globalThis.gc?.();
  return {};
}

/** Peak resident memory of this process. */
function peakMiB(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

function handle(request: Request): Promise<object> | object {
  switch (request.op) {
    case 'prepare':
      return prepare(request.task, request.spec);
    case 'run':
      return time(request.samples, request.inner);
    case 'profile':
      return profile((item as WorkItem).run, request.executions);
    case 'release':
      return release();
    case 'memory':
      return { peakMiB: peakMiB() };
    default:
      throw new Error(`op: unknown request ${JSON.stringify(request satisfies never)}`);
  }
}

// tfjs advises every Node process to install its native package; stdout is for answers.
console.log = console.info = console.error;
const answer = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
const failure = (error: unknown) => ({ error: (error instanceof Error ? error.message : String(error)).slice(0, 300) });
try {
  engine = await chooseEngine(process.argv[2] as EngineName);
  answer({ ready: { detail: engine.detail, node: process.version } });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      answer(await handle(JSON.parse(line) as Request));
    } catch (error) {
      answer(failure(error));
    }
  }
} catch (error) {
  answer(failure(error));
}
