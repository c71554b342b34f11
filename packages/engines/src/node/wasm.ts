import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { loadWasm, MOST_THREADS, TITLE } from '../load-wasm';
import type { Engine } from '../types';

/** WebAssembly SIMD, which is always there, on `LEARNGENE_NUM_THREADS` threads (default: one a core, 8 at most). */
export const wasm: Engine<'wasm'> = {
  name: 'wasm',
  title: TITLE,
  load: (options = {}) =>
    loadWasm(options, {
      threads: () => threadsIn(process.env) ?? Math.min(availableParallelism(), MOST_THREADS),
      readBinary,
      remedy: 'install @tensorflow/tfjs-backend-wasm where @learngene/engines finds it',
    }),
};

async function readBinary(): Promise<Uint8Array> {
  const file = 'tfjs-backend-wasm-simd.wasm';
  try {
    const { resolve } = createRequire(import.meta.url);
    return await readFile(resolve(`@tensorflow/tfjs-backend-wasm/dist/${file}`));
  } catch {
    return readFile(new URL(file, import.meta.url)); // beside a bundle, where tfjs looks for it too
  }
}

/** The number of threads that the environment asks for, by the variable that the engine `native` heeds too. */
function threadsIn({ LEARNGENE_NUM_THREADS: text = '' }: NodeJS.ProcessEnv): number | undefined {
  if (text.trim() === '') return undefined;
  const threads = Number(text);
  if (!(/^\d+$/.test(text.trim()) && threads >= 1 && threads <= 256)) {
    throw new RangeError(`LEARNGENE_NUM_THREADS: expected a whole number from 1 to 256, got ${text}`);
  }
  return threads;
}
