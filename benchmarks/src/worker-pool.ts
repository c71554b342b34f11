import { join } from 'node:path';
import type { EngineName } from './engine-names';
import { type Launch, Worker } from './worker-process';

/** What every worker process gets. */
export interface WorkerPoolOptions {
  /** Folder of this package. */
  folder: string;
  /** The interpreter that has the peers' packages. */
  python: string;
  /** Threads of both sides. */
  threads: number;
}

/** Starts worker processes when they are first needed, and ends them. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #running = new Map<string, Promise<Worker>>();

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** A process of ours; `place` tells apart several that hold work at the same time. */
  ours(engine: EngineName, threads = this.#options.threads, place = 0): Promise<Worker> {
    return this.#get(`ours ${engine} ${threads} ${place}`, () => this.startOurs(engine, threads));
  }

  /** A process of the peers. */
  peer(threads = this.#options.threads, place = 0): Promise<Worker> {
    return this.#get(`peer ${threads} ${place}`, () => this.startPeer(threads));
  }

  /** A process of ours that nobody else uses; the caller stops it. */
  startOurs(engine: EngineName, threads = this.#options.threads): Promise<Worker> {
    const worker = join(this.#options.folder, 'dist', 'worker.js');
    return Worker.start(this.#launch(process.execPath, ['--expose-gc', worker, engine], threads));
  }

  /** A process of the peers that nobody else uses; the caller stops it. */
  startPeer(threads = this.#options.threads): Promise<Worker> {
    const worker = join(this.#options.folder, 'python', 'worker.py');
    return Worker.start(this.#launch(this.#options.python, [worker], threads));
  }

  /** Ends every process that {@link ours} and {@link peer} started. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const outcome of await Promise.allSettled(running)) if (outcome.status === 'fulfilled') outcome.value.stop();
  }

  #get(key: string, start: () => Promise<Worker>): Promise<Worker> {
    let worker = this.#running.get(key);
    if (worker === undefined) {
      worker = start();
      worker.catch(() => this.#running.delete(key)); // The next row tries anew.
      this.#running.set(key, worker);
    }
    return worker;
  }

  /** Drops a process that failed in the middle of its work. */
  forget(worker: Worker): void {
    for (const [key, promise] of this.#running) {
      void promise.then((value) => {
        if (value === worker) this.#running.delete(key);
      });
    }
    worker.stop();
  }

  /** libgomp's threads spin for some milliseconds after their work and then sleep; a pause between turns covers that. */
  #launch(command: string, args: readonly string[], threads: number): Launch {
    const count = String(threads);
    const cache = join(this.#options.folder, '.cache', 'inductor');
    return {
      command,
      args,
      cwd: this.#options.folder,
      env: {
        LEARNGENE_NUM_THREADS: count,
        OMP_NUM_THREADS: count,
        MKL_NUM_THREADS: count,
        PYTHONDONTWRITEBYTECODE: '1',
        TORCHINDUCTOR_CACHE_DIR: cache,
        TORCHINDUCTOR_COMPILE_THREADS: '1',
        TF_CPP_MIN_LOG_LEVEL: '3',
      },
    };
  }
}
