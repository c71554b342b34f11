import * as tf from '@tensorflow/tfjs-core';
import { finishWork } from './finish';

/** Time of one kernel, or of one kernel on one set of shapes, over all executions. */
export interface KernelTime {
  name: string;
  /** Milliseconds an execution of the work item, without kernels that it calls itself. */
  ms: number;
  /** Calls an execution of the work item. */
  calls: number;
}

/** Where the time of a work item goes. */
export interface Profile {
  /** Milliseconds an execution. */
  total: number;
  /** Kernels by time, the slowest first. */
  kernels: KernelTime[];
  /** Kernels with the shapes of their inputs, the slowest first. */
  shapes: KernelTime[];
}

type Sums = Map<string, { ms: number; calls: number }>;

/** Runs `work` so often with every kernel of the backend timed; for backends that compute on this thread's demand. */
export async function profile(work: () => unknown, executions: number): Promise<Profile> {
  const kernels: Sums = new Map();
  const shapes: Sums = new Map();
  const restore = wrapKernels((name, inputs, ms) => {
    add(kernels, name, ms);
    add(shapes, `${name} ${inputs}`, ms);
  });
  try {
    const started = performance.now();
    for (let i = 0; i < executions; i++) await work();
    const total = (performance.now() - started) / executions;
    return { total, kernels: ranked(kernels, executions), shapes: ranked(shapes, executions) };
  } finally {
    restore();
  }
}

/** Puts a clock around every kernel; returns what takes it away again. */
function wrapKernels(report: (name: string, inputs: string, ms: number) => void): () => void {
  const originals = tf.getKernelsForBackend(tf.getBackend());
  const inner: number[] = []; // Time in nested kernels, one entry for each open call.
  for (const config of originals) {
    const timed: tf.KernelFunc = (call) => {
      inner.push(0);
      const started = performance.now();
      const result = config.kernelFunc(call);
      finishWork(); // its computation, where the kernel returns before that
      const elapsed = performance.now() - started;
      report(config.kernelName, describe(call.inputs), elapsed - (inner.pop() as number));
      if (inner.length > 0) inner[inner.length - 1] += elapsed;
      return result;
    };
    replace({ ...config, kernelFunc: timed });
  }
  return () => originals.forEach(replace);
}

function replace(config: tf.KernelConfig): void {
  tf.unregisterKernel(config.kernelName, config.backendName);
  tf.registerKernel(config);
}

/** Shapes of at most four inputs. */
function describe(inputs: Record<string, { shape?: number[] } | undefined>): string {
  const all = Object.values(inputs)
    .flat()
    .filter((input) => input?.shape !== undefined);
  const shown = all.slice(0, 4).map((input) => `[${input?.shape}]`);
  return shown.join(' ') + (all.length > 4 ? ` +${all.length - 4}` : '');
}

function add(sums: Sums, name: string, ms: number): void {
  const sum = sums.get(name) ?? { ms: 0, calls: 0 };
  sums.set(name, { ms: sum.ms + ms, calls: sum.calls + 1 });
}

function ranked(sums: Sums, executions: number): KernelTime[] {
  return [...sums]
    .map(([name, { ms, calls }]) => ({ name, ms: ms / executions, calls: calls / executions }))
    .sort((a, b) => b.ms - a.ms);
}

/** A profile as text: kernels, then the slowest by shape, then what is outside of kernels. */
export function profileText({ total, kernels, shapes }: Profile): string {
  const line = ({ name, ms, calls }: KernelTime) =>
    `${ms.toFixed(2).padStart(10)} ms ${((100 * ms) / total).toFixed(1).padStart(5)}% ${calls.toFixed(0).padStart(5)} calls  ${name}`;
  const outside = total - kernels.reduce((sum, { ms }) => sum + ms, 0);
  const rest: KernelTime = {
    name: '(outside of kernels: JavaScript, tape, collection of garbage)',
    ms: outside,
    calls: 1,
  };
  return [
    `${total.toFixed(2)} ms an execution`,
    ...[...kernels.slice(0, 25), rest].map(line),
    'by shape',
    ...shapes.slice(0, 25).map(line),
  ].join('\n');
}
