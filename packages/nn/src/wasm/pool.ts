import type { PoolWorker } from './open-worker';
import { ARGUMENTS, PART_BITS, WORD, WORDS } from './worker-source';

/** A compiled function of `wasm/*.as`; its arguments are sizes, and byte offsets in the heap. */
export type Kernel = (...numbers: number[]) => void;

/** A part of a job: a call of a kernel. */
export interface Part {
  readonly kernel: Kernel;
  /** The kernel's place in `names`. */
  readonly index: number;
  readonly numbers: readonly number[];
}

/** The heap of a backend, shared between threads. */
export interface SharedHeap {
  readonly memory: WebAssembly.Memory;
  readonly malloc: (bytes: number) => number;
}

/** Most parts of a job. */
const MOST_PARTS = (1 << PART_BITS) - 1;

/**
 * How often the caller looks for the end of a job before it sleeps; chosen, not measured. On a busy machine a worker
 * that was put aside gets the core of the caller then.
 */
const LOOKS = 5000;

const BYTES = 4 * WORDS + 8 * (ARGUMENTS << PART_BITS);

/**
 * Threads that take the parts of one job at a time; the caller is one of them. The parts may run in any order. The caller takes parts as long as there are any, so a job ends even where no worker is awake, and
 * then waits for those that are at work. The main thread of a page must not block, so it spins.
 */
export class Pool {
  /** Threads that compute, the caller's included. */
  readonly threads: number;
  readonly #workers: readonly PoolWorker[];
  readonly #words: Int32Array;
  readonly #parameters: Float64Array;
  readonly #mayBlock: boolean;
  #job = 0;

  private constructor(workers: readonly PoolWorker[], { memory }: SharedHeap, at: number) {
    this.threads = workers.length + 1;
    this.#workers = workers;
    this.#words = new Int32Array(memory.buffer, at, WORDS);
    this.#mayBlock = mayBlock(this.#words);
    this.#parameters = new Float64Array(memory.buffer, at + 4 * WORDS, ARGUMENTS << PART_BITS);
  }

  /** A pool of workers that are ready, on a heap. `names` are the kernels that jobs may call, by their places. */
  static async start(
    workers: readonly PoolWorker[],
    heap: SharedHeap,
    { modules, names }: { readonly modules: readonly WebAssembly.Module[]; readonly names: readonly string[] },
  ): Promise<Pool> {
    const at = (heap.malloc(BYTES + 64) + 63) & ~63; // never freed: it ends with the heap
    new Int32Array(heap.memory.buffer, at, WORDS).fill(0);
    const joined = workers.map((worker) => worker.message());
    for (const worker of workers) worker.post({ memory: heap.memory, modules, names, at });
    await Promise.all(joined);
    return new Pool(workers, heap, at);
  }

  /** Runs parts in any order, and returns when all have ended. */
  run(parts: readonly Part[]): void {
    for (let from = 0; from < parts.length; from += MOST_PARTS) this.#runJob(parts.slice(from, from + MOST_PARTS));
  }

  #runJob(parts: readonly Part[]): void {
    const words = this.#words;
    for (const [part, { index, numbers }] of parts.entries()) {
      this.#parameters[part * ARGUMENTS] = index;
      this.#parameters.set(numbers, part * ARGUMENTS + 1);
    }
    this.#job++;
    Atomics.store(words, WORD.pending, parts.length);
    Atomics.store(words, WORD.ticket, (this.#job << PART_BITS) | parts.length);
    if (Atomics.load(words, WORD.sleepers) > 0) Atomics.notify(words, WORD.ticket);
    for (let left = 1; left !== 0; ) {
      const ticket = Atomics.load(words, WORD.ticket);
      left = ticket & MOST_PARTS;
      if (left === 0 || Atomics.compareExchange(words, WORD.ticket, ticket, ticket - 1) !== ticket) continue;
      try {
        const { kernel, numbers } = parts[left - 1];
        kernel(...numbers);
      } catch {
        Atomics.store(words, WORD.failed, 1);
      }
      Atomics.sub(words, WORD.pending, 1);
    }
    this.#wait();
    if (Atomics.exchange(words, WORD.failed, 0) !== 0) throw new Error('a thread of the wasm backend failed');
  }

  /** Spins until the parts are done that workers have taken, and sleeps where that takes long and the thread may. */
  #wait(): void {
    const words = this.#words;
    for (let looks = 0; Atomics.load(words, WORD.pending) > 0; looks++) {
      if (looks < LOOKS || !this.#mayBlock) continue;
      Atomics.store(words, WORD.waiting, 1);
      for (let left = 1; left > 0; ) {
        left = Atomics.load(words, WORD.pending);
        if (left > 0) Atomics.wait(words, WORD.pending, left);
      }
      Atomics.store(words, WORD.waiting, 0);
    }
  }

  /** Ends the workers. */
  end(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

/** Whether this thread may sleep: in Node and in workers, not in the main thread of a page. */
function mayBlock(words: Int32Array): boolean {
  try {
    Atomics.wait(words, WORD.failed, 1, 0); // it is 0, so this returns at once
    return true;
  } catch {
    return false;
  }
}
