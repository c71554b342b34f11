import { loadWasm, MOST_THREADS, TITLE } from '../load-wasm';
import type { Engine, LoadOptions } from '../types';

/** WebAssembly SIMD, which is always there; on several threads where the page is cross-origin isolated. */
export const wasm: Engine<'wasm'> = {
  name: 'wasm',
  title: TITLE,
  load: (options = {}) =>
    loadWasm(options, {
      threads: () => Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, MOST_THREADS),
      readBinary,
      remedy: 'say where that file is served by the option wasmPaths',
    }),
};

async function readBinary({ wasmPaths = '' }: LoadOptions): Promise<Uint8Array> {
  const url = `${wasmPaths}tfjs-backend-wasm-simd.wasm`;
  const response = await fetch(url, { credentials: 'same-origin' });
  if (!response.ok) throw new Error(`${url}: expected the file, got status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
