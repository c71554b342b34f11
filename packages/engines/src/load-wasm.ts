import type { EngineLoad, LoadedEngine, LoadOptions } from './types';

/** The most threads that are taken where nobody names a number: with more a small model gets no faster. */
export const MOST_THREADS = 8;

/** What the engine is, in one line. */
export const TITLE = 'WebAssembly SIMD (@tensorflow/tfjs-backend-wasm)';

/** What the engine `wasm` is told of where it runs. */
export interface WasmPlace {
  /** Threads where the caller names no number. */
  readonly threads: () => number;
  /** The content of `tfjs-backend-wasm-simd.wasm`, which is needed for several threads. */
  readonly readBinary: (options: LoadOptions) => Promise<Uint8Array>;
  /** What to do where it cannot be read. */
  readonly remedy: string;
}

/**
 * Loads the engine `wasm`. With a number of threads it has these threads or is refused; without, it takes as many as it
 * can have, and its description says how many these are, and why there are no more.
 */
export async function loadWasm(options: LoadOptions, place: WasmPlace): Promise<EngineLoad> {
  try {
    await import('@tensorflow/tfjs-backend-cpu');
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    const { registerWasmTrainingKernels, useWasmThreads, wasmThreads, WasmThreadsError } = await import(
      '@learngene/nn/wasm'
    );
    if (options.wasmPaths !== undefined) setWasmPaths(options.wasmPaths);
    registerWasmTrainingKernels();
    const threads = options.threads ?? wasmThreads() ?? place.threads();
    try {
      const readBinary = () =>
        place.readBinary(options).catch((error) => {
          throw new WasmThreadsError(error.message, place.remedy);
        });
      await useWasmThreads({ threads, readBinary });
      return loaded(threads === 1 ? '1 thread' : `${threads} threads`);
    } catch (error) {
      if (!(error instanceof WasmThreadsError)) throw error;
      if (options.threads !== undefined) return { ok: false, reason: error.reason, remedy: error.remedy };
      return loaded(`1 thread (${error.reason})`);
    }
  } catch (error) {
    const remedy =
      error instanceof RangeError
        ? 'ask for such a number'
        : 'reinstall the dependencies; the engine cpu works meanwhile';
    return { ok: false, reason: error instanceof Error ? error.message : String(error), remedy };
  }
}

function loaded(threads: string): LoadedEngine {
  return { ok: true, backend: 'wasm', detail: `WebAssembly SIMD, ${threads}`, accelerated: false };
}
