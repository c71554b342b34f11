import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import type { AdamWAttrs } from '../ops/adamw';
import { leafLists } from '../ops/leaf-inputs';
import { floatsAt } from './heap';
import { type Call, type Heap, heapOf, type KernelName, kernelsOf, runCalls, threadsOf } from './instance';
import { PARTS_A_THREAD, rangesOf } from './ranges';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** Numbers of a run in the table of wasm/optimizer.as. */
const COLUMNS = 10;

/** Longest run: leaves are cut, so that the threads have about the same to do. */
const LONGEST = 2 ** 14;

/** Parameters from which on a step is worth a job of several threads: some microseconds of one. */
const WORTH_A_JOB = 2 ** 12;

/** `LearngeneAdamW`: one loop over every leaf in place of a dozen kernels a leaf. */
export const adamWInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { p, g, m, v } = leafLists(args.inputs as Inputs);
  const after = afterStep(args, [p, m, v]);
  step(backend, runsOf(backend, [p, g, m, v, [], ...after, []]), { ...args.attrs, factor: 1, decay: 0 } as never);
  return after.flat();
};

/** `LearngeneAdamWEma`: clipping, AdamW and the moving average in one loop over every leaf. */
export const adamWEmaInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { p, g, m, v, e } = leafLists(args.inputs as Inputs);
  const { norm } = args.inputs as Inputs;
  const { decay, maxNorm } = args.attrs as Record<string, number>;
  const after = afterStep(args, [p, m, v, e]);
  const factor = norm ? clipFactor((backend.readSync(norm.dataId) as Float32Array)[0], maxNorm) : 1;
  step(backend, runsOf(backend, [p, g, m, v, e, ...after]), { ...args.attrs, factor, decay } as never);
  return after.flat();
};

/** min(1, maxNorm / (norm + 1e-6)) in float32, as tfjs's kernels compute it. */
function clipFactor(norm: number, maxNorm: number): number {
  const { fround } = Math;
  return Math.min(1, fround(fround(maxNorm) / fround(norm + fround(1e-6))));
}

/** `LearngeneEma`: decay e + (1 - decay) p over every leaf. */
export const emaInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { decay } = args.attrs as Record<string, number>;
  const { e, p } = leafLists(args.inputs as Inputs);
  const [after] = outputsLike(backend, e, 1);
  const runs = runsOf(backend, [e, p, after]);
  if (kernelsOf(backend)) onThreads(backend, 'average', { runs, rest: [decay, 1 - decay] });
  else {
    for (const [count, ...offsets] of runs) {
      const [old, now, out] = offsets.map((offset) => floatsAt(backend, offset, count));
      for (let i = 0; i < count; i++) out[i] = decay * old[i] + (1 - decay) * now[i];
    }
  }
  return after;
};

/** `LearngeneGlobalSquaredNorm`: the sum of squares of every leaf, in double precision. */
export const squaredNormInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const out = backend.makeOutput([], 'float32');
  const runs = runsOf(backend, [leafLists(args.inputs as Inputs).x]);
  let sum = 0;
  if (kernelsOf(backend)) {
    const heap = heapOf(backend) as Heap;
    const at = heap.malloc(8 * runs.length);
    onThreads(backend, 'squaredNorms', { runs, rest: [at] });
    for (const part of new Float64Array(heap.memory.buffer, at, runs.length)) sum += part;
    heap.free(at);
  } else {
    for (const [count, offset] of runs) for (const x of floatsAt(backend, offset, count)) sum += x * x;
  }
  floatsAt(backend, backend.getMemoryOffset(out.dataId), 1)[0] = sum;
  return [out];
};

interface Step extends Omit<AdamWAttrs, 'donate'> {
  /** What the gradients are multiplied by. */
  readonly factor: number;
  /** Of the moving average, where the runs have one. */
  readonly decay: number;
}

function step(
  backend: BackendWasm,
  runs: number[][],
  { learningRate, beta1, beta2, factor, decay, ...more }: Step,
): void {
  const correction = Math.sqrt(1 - beta2 ** more.step);
  const rate = (learningRate * correction) / (1 - beta1 ** more.step);
  const epsilon = more.eps * correction;
  const keep = 1 - learningRate * more.weightDecay;
  if (kernelsOf(backend)) {
    const rest = [factor, keep, beta1, 1 - beta1, beta2, 1 - beta2, rate, epsilon, decay, 1 - decay];
    onThreads(backend, 'adamW', { runs, rest });
    return;
  }
  for (const [count, ...offsets] of runs) {
    const [p, g, m, v, e, p1, m1, v1, e1] = offsets.map((offset) => floatsAt(backend, offset, offset ? count : 0));
    for (let i = 0; i < count; i++) {
      const gradient = Math.fround(g[i] * factor);
      const mean = beta1 * m[i] + (1 - beta1) * gradient;
      const square = beta2 * v[i] + (1 - beta2) * gradient * gradient;
      m1[i] = mean;
      v1[i] = square;
      p1[i] = keep * p[i] - (rate * mean) / (Math.sqrt(square) + epsilon);
      if (e.length > 0) e1[i] = decay * e[i] + (1 - decay) * p1[i];
    }
  }
}

/** Where the leaves go: what was donated is written over where no other tensor shares its values. */
function afterStep(args: Parameters<KernelFunc>[0], lists: readonly (readonly TensorInfo[])[]): TensorInfo[][] {
  const backend = args.backend as BackendWasm;
  const { donate } = args.attrs as { donate?: boolean };
  return lists.map((list) =>
    list.map((leaf) => {
      return donate && backend.refCount(leaf.dataId) === 1 ? leaf : backend.makeOutput(leaf.shape, 'float32');
    }),
  );
}

function outputsLike(backend: BackendWasm, leaves: readonly TensorInfo[], lists: number): TensorInfo[][] {
  return Array.from({ length: lists }, () => leaves.map(({ shape }) => backend.makeOutput(shape, 'float32')));
}

/** The leaves of all lists in runs: how many numbers, and the offset in each list; 0 for a list without leaves. */
function runsOf(backend: BackendWasm, lists: readonly (readonly TensorInfo[])[]): number[][] {
  const runs: number[][] = [];
  for (const [leaf, { shape }] of lists[0].entries()) {
    const size = shape.reduce((product, side) => product * side, 1);
    const offsets = lists.map((list) => (list.length > 0 ? backend.getMemoryOffset(list[leaf].dataId) : 0));
    for (let at = 0; at < size; at += LONGEST) {
      runs.push([Math.min(LONGEST, size - at), ...offsets.map((offset) => offset && offset + 4 * at)]);
    }
  }
  return runs;
}

/** Runs a function of wasm/optimizer.as over a table of runs; `rest` are its arguments after the table and the range. */
function onThreads(
  backend: BackendWasm,
  name: KernelName,
  { runs, rest }: { runs: readonly number[][]; rest: readonly number[] },
): void {
  const heap = heapOf(backend) as Heap;
  const table = heap.malloc(4 * COLUMNS * runs.length);
  const words = new Uint32Array(heap.memory.buffer, table, COLUMNS * runs.length);
  for (const [i, run] of runs.entries()) words.set(run, COLUMNS * i);
  const total = runs.reduce((sum, [count]) => sum + count, 0);
  const parts = total < WORTH_A_JOB ? 1 : PARTS_A_THREAD * threadsOf(backend);
  const calls = rangesOf(runs.length, Math.min(parts, runs.length)).map(([from, to]): Call => {
    return [name, table, from, to, ...rest];
  });
  runCalls(backend, calls);
  heap.free(table);
}
