import { WORKER_SOURCE } from './worker-source';

/** A worker that runs {@link WORKER_SOURCE}, in a browser or in Node. */
export interface PoolWorker {
  /** Resolves to the worker's next message; rejects if it could not be started, or ended. */
  message(): Promise<unknown>;
  post(message: unknown): void;
  terminate(): void;
}

/** The part of `node:worker_threads` that is used; a browser bundle must not import it. */
interface NodeWorkerThreads {
  readonly Worker: new (
    source: string,
    options: object,
  ) => {
    once(event: string, listener: (value: unknown) => void): void;
    postMessage(message: unknown): void;
    terminate(): Promise<number>;
    ref(): void;
    unref(): void;
  };
}

interface NodeGlobal {
  readonly process?: { getBuiltinModule?(name: 'node:worker_threads'): NodeWorkerThreads };
}

/** Starts a worker from its source, without a file that a bundler would have to know of. */
export function openWorker(): PoolWorker {
  const threads = (globalThis as NodeGlobal).process?.getBuiltinModule?.('node:worker_threads');
  return threads ? openNodeWorker(threads) : openWebWorker();
}

function openNodeWorker({ Worker }: NodeWorkerThreads): PoolWorker {
  // It holds no objects, and must not take over the flags of this process, such as those of a loader.
  const limits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };
  const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], resourceLimits: limits });
  return {
    message: () =>
      new Promise((resolve, reject) => {
        worker.ref();
        worker.once('message', (message) => {
          worker.unref(); // the process ends without waiting for it
          resolve(message);
        });
        worker.once('error', reject);
        worker.once('exit', () => reject(new Error('the worker has ended')));
      }),
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
  };
}

function openWebWorker(): PoolWorker {
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
  const worker = new Worker(url, { name: 'learngene-wasm' });
  return {
    message: () =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message || 'the page allows no workers from blob: URLs'));
      }),
    post: (message) => {
      URL.revokeObjectURL(url); // it has been loaded
      worker.postMessage(message);
    },
    terminate: () => {
      URL.revokeObjectURL(url);
      worker.terminate();
    },
  };
}
