import '@tensorflow/tfjs-backend-wasm';
import { type BackendWasm, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { compiledKernels, type Heap, heapOf, POOL, threadsOf } from './instance';
import { openWorker, type PoolWorker } from './open-worker';
import { Pool } from './pool';
import { withSharedMemory } from './shared-memory';

/** Most threads of a backend. */
const MOST_THREADS = 256;

/** Seconds that the workers may take to start. */
const START_SECONDS = 20;

/** What a page with a Content-Security-Policy must allow. */
const POLICY = "allow blob: in worker-src and connect-src of the page's Content-Security-Policy";

/** The priority that tfjs gives its wasm backend. */
const PRIORITY = 2;

/** Threads cannot be had here. The message has the reason and the remedy. */
export class WasmThreadsError extends Error {
  /** Always `'WasmThreadsError'`. */
  override readonly name = 'WasmThreadsError';
  /** Why they cannot be had. */
  readonly reason: string;
  /** What can be done about it. */
  readonly remedy: string;

  /** @param reason Why they cannot be had. @param remedy What can be done about it. */
  constructor(reason: string, remedy: string) {
    super(`${reason}. Remedy: ${remedy}`);
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** Options of {@link useWasmThreads}. */
export interface WasmThreadsOptions {
  /** Threads that compute, the calling one included: a whole number from 1 to 256. */
  readonly threads: number;
  /** Reads `tfjs-backend-wasm-simd.wasm` in `dist` of `@tensorflow/tfjs-backend-wasm`; called where it is needed. */
  readonly readBinary: () => Promise<Uint8Array>;
}

/** How a backend is made, and the workers that wait for it. */
type Factory = NonNullable<ReturnType<typeof tf.findBackendFactory>> & {
  [POOL]?: { readonly threads: number; readonly workers: readonly PoolWorker[]; readonly original: Factory };
};

/** tfjs's own way to make the backend, which `tf.removeBackend` forgets. */
let original: Factory | undefined;

/**
 * Sets the number of threads of the wasm backend, in Node and in pages that are cross-origin isolated. Call it before the
 * backend starts (`tf.setBackend('wasm')`). What `registerWasmTrainingKernels()` brings runs on all threads, the other
 * kernels of tfjs on the caller. The numbers are the same, to the last bit, at any number of threads.
 *
 * The threads end with the backend (`tf.removeBackend('wasm')`), and do not keep a Node process alive. In a page they are
 * workers from `blob:` URLs.
 *
 * @throws WasmThreadsError where so many cannot be had, with the reason and the remedy
 * @throws RangeError for a number of threads that is not from 1 to 256
 */
export async function useWasmThreads({ threads, readBinary }: WasmThreadsOptions): Promise<void> {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new RangeError(`threads: expected a whole number from 1 to ${MOST_THREADS}, got ${threads}`);
  }
  const running = wasmThreads();
  if (running === threads) return;
  if (running !== undefined) {
    const remedy = `ask for ${running}, or call tf.removeBackend('wasm') first`;
    throw new WasmThreadsError(`the wasm backend already runs with ${running} thread${running > 1 ? 's' : ''}`, remedy);
  }
  // tfjs takes its own threaded build where a page is isolated; no other module can get at the memory of that one.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const present = tf.findBackendFactory('wasm') as Factory | null;
  const waiting = present?.[POOL];
  if (waiting?.threads === threads) return;
  original ??= waiting?.original ?? present ?? undefined;
  if (original === undefined) throw new Error('expected the wasm backend to be registered');
  if (threads === 1 && present === original) return;
  const url = await urlOf(threads > 1 ? await sharedBackend(readBinary) : Uint8Array.from(await readBinary()));
  const workers = await startWorkers(threads - 1);
  for (const worker of waiting?.workers ?? []) worker.terminate();
  if (tf.findBackendFactory('wasm') !== null) tf.removeBackend('wasm');
  const factory = factoryOf(original, { url, workers });
  tf.registerBackend('wasm', Object.assign(factory, { [POOL]: { threads, workers, original } }), PRIORITY);
}

/** The threads of the wasm backend; undefined where it has not been started. */
export function wasmThreads(): number | undefined {
  const backend = tf.engine().registry.wasm as BackendWasm | undefined;
  return backend && threadsOf(backend);
}

/** Makes the backend from the module at `url`, with the workers on its heap. */
function factoryOf(make: Factory, { url, workers }: { url: string; workers: readonly PoolWorker[] }): Factory {
  return async () => {
    const paths = { 'tfjs-backend-wasm.wasm': url, 'tfjs-backend-wasm-simd.wasm': url };
    setWasmPaths({ ...paths, 'tfjs-backend-wasm-threaded-simd.wasm': url }, true);
    const backend = (await make()) as BackendWasm;
    URL.revokeObjectURL(url);
    if (workers.length === 0) return backend;
    const pool = await Pool.start(workers, heapOf(backend) as Heap, await compiledKernels());
    Object.defineProperty(backend, POOL, { value: pool });
    const dispose = backend.dispose.bind(backend);
    backend.dispose = () => {
      pool.end();
      dispose();
    };
    return backend;
  };
}

/** The backend's own module, with a memory that can be shared. */
async function sharedBackend(readBinary: () => Promise<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof SharedArrayBuffer !== 'function' || globalThis.crossOriginIsolated === false) {
    const headers = 'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
    throw new WasmThreadsError('the page is not cross-origin isolated', `serve it with the headers ${headers}`);
  }
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) {
    throw new WasmThreadsError('there is no WebAssembly SIMD here', 'use one thread');
  }
  const binary = await readBinary();
  try {
    const shared = withSharedMemory(binary);
    await WebAssembly.compile(shared);
    return shared;
  } catch (error) {
    const remedy = 'read tfjs-backend-wasm-simd.wasm of the installed @tensorflow/tfjs-backend-wasm';
    throw new WasmThreadsError(`readBinary: no module whose memory can be shared (${messageOf(error)})`, remedy);
  }
}

/** A URL that tfjs can fetch the module from: it takes no bytes. It would wait forever where that fails, so try here. */
async function urlOf(binary: Uint8Array<ArrayBuffer>): Promise<string> {
  const url = URL.createObjectURL(new Blob([binary], { type: 'application/wasm' }));
  try {
    await (await tf.util.fetch(url)).arrayBuffer();
    return url;
  } catch (error) {
    URL.revokeObjectURL(url);
    throw new WasmThreadsError(`blob: URLs cannot be fetched (${messageOf(error)})`, POLICY);
  }
}

async function startWorkers(count: number): Promise<PoolWorker[]> {
  const workers: PoolWorker[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    while (workers.length < count) workers.push(openWorker());
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`none after ${START_SECONDS} s`)), START_SECONDS * 1000);
    });
    await Promise.race([Promise.all(workers.map((worker) => worker.message())), late]);
    return workers;
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw new WasmThreadsError(`workers could not be started (${messageOf(error)})`, POLICY);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
