import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { ATTENTION_BINARY } from './attention-binary';
import { GEMM_BINARY } from './gemm-binary';
import { LOW_RANK_BINARY } from './low-rank-binary';
import { NORM_BINARY } from './norm-binary';
import { OPTIMIZER_BINARY } from './optimizer-binary';
import { POINTWISE_BINARY } from './pointwise-binary';
import type { Kernel, Pool } from './pool';
import { REDUCE_BINARY } from './reduce-binary';
import { withSharedMemory } from './shared-memory';

/** The functions of `wasm/*.as`, by their places in jobs of threads. */
const KERNELS = [
  'gemm',
  'packColumns',
  'multiplyRows',
  'product',
  'fold',
  'normalizeLines',
  'adamW',
  'average',
  'squaredNorms',
  'gelu',
  'geluGrad',
  'gatedResidual',
  'gatedResidualGrad',
  'normModulate',
  'normModulateGrad',
  'attention',
  'attentionGrad',
  'lowRankRows',
  'factorGrad',
  'scaleGrad',
] as const;

/** The name of a function of `wasm/*.as`. */
export type KernelName = (typeof KERNELS)[number];

/** What is compiled from `wasm/*.as`. */
export type Kernels = Readonly<Record<KernelName, Kernel>>;

/** The heap of a backend. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  readonly malloc: (bytes: number) => number;
  readonly free: (offset: number) => void;
}

/** Where a backend keeps its threads, which two copies of this module share. */
export const POOL: unique symbol = Symbol.for('@learngene/nn/wasm/pool') as never;

const BINARIES = [
  GEMM_BINARY,
  REDUCE_BINARY,
  OPTIMIZER_BINARY,
  POINTWISE_BINARY,
  NORM_BINARY,
  ATTENTION_BINARY,
  LOW_RANK_BINARY,
];

const instances = new WeakMap<BackendWasm, Kernels | null>();

/** The compiled functions on the heap of a backend, made once. Null without SIMD, and for tfjs's own threaded build. */
export function kernelsOf(backend: BackendWasm): Kernels | null {
  let kernels = instances.get(backend);
  if (kernels === undefined) {
    kernels = instantiate(backend);
    instances.set(backend, kernels);
  }
  return kernels;
}

/** Whether the compiled functions run here: on the backend as it is, or else on one that starts later. */
export function runsHere(): boolean {
  const backend = tf.engine().registry.wasm as BackendWasm | undefined;
  return backend ? kernelsOf(backend) !== null : BINARIES.every((binary) => WebAssembly.validate(bytesOf(binary)));
}

/** The heap of a backend; null for tfjs's own threaded build, which does not show its memory. */
export function heapOf(backend: BackendWasm): Heap | null {
  const { asm, _malloc, _free } = backend.wasm as unknown as {
    asm?: { memory?: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(offset: number): void;
  };
  if (!asm?.memory) return null;
  return { memory: asm.memory, malloc: (bytes) => _malloc(bytes) >>> 0, free: _free };
}

/** What workers instantiate, and the names of the functions by their places in jobs. */
export async function compiledKernels(): Promise<{ modules: WebAssembly.Module[]; names: readonly string[] }> {
  const modules = BINARIES.map((binary) => WebAssembly.compile(withSharedMemory(bytesOf(binary))));
  return { modules: await Promise.all(modules), names: KERNELS };
}

/** The threads of a backend, the caller's included. */
export function threadsOf(backend: BackendWasm): number {
  return poolOf(backend)?.threads ?? 1;
}

/** A call of a function of `wasm/*.as`. */
export type Call = readonly [name: KernelName, ...numbers: number[]];

/** Runs calls, which may run in any order, on the threads of the backend. They must not write to the same places. */
export function runCalls(backend: BackendWasm, calls: readonly Call[]): void {
  const kernels = kernelsOf(backend) as Kernels;
  const pool = calls.length > 1 ? poolOf(backend) : undefined;
  if (pool)
    pool.run(calls.map(([name, ...numbers]) => ({ kernel: kernels[name], index: KERNELS.indexOf(name), numbers })));
  else for (const [name, ...numbers] of calls) kernels[name](...numbers);
}

function poolOf(backend: BackendWasm): Pool | undefined {
  return (backend as BackendWasm & { [POOL]?: Pool })[POOL];
}

function instantiate(backend: BackendWasm): Kernels | null {
  const memory = heapOf(backend)?.memory;
  if (!memory) return null;
  const shared = typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer;
  try {
    const functions = BINARIES.map((binary) => {
      const bytes = bytesOf(binary);
      const module = new WebAssembly.Module(shared ? withSharedMemory(bytes) : bytes);
      return new WebAssembly.Instance(module, { env: { memory } }).exports;
    });
    return Object.assign({}, ...functions) as Kernels;
  } catch {
    return null;
  }
}

function bytesOf(binary: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(binary), (letter) => letter.charCodeAt(0));
}
