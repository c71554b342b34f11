import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import { registerLinalg } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import type { EngineName } from './engine-names';

/** Loads an engine and selects its tfjs backend; says what it is. Throws with the reason where it cannot be had. */
export async function useEngine(name: EngineName): Promise<string> {
  tf.enableProdMode();
  const detail = await loaders[name]();
  if (!(await tf.setBackend(backends[name]))) throw new Error(`engine ${name}: its backend could not be started`);
  await tf.ready();
  return detail;
}

/** Products with bf16 factors from now on, or with f32 ones. Throws where the engine or the processor has no bf16. */
export async function usePrecision(engine: EngineName, precision: 'f32' | 'bf16'): Promise<void> {
  if (engine === 'native') {
    const { setNativePrecision } = await import('@learngene/backend-native');
    setNativePrecision(precision);
  } else if (precision === 'bf16') {
    throw new Error(`engine ${engine} has no bf16`);
  }
}

const backends: Record<EngineName, string> = {
  native: 'native',
  wasm: 'wasm',
  cpu: 'cpu',
  'tfjs-node': 'tensorflow',
  webgpu: 'webgpu',
};

const loaders: Record<EngineName, () => Promise<string>> = {
  async native() {
    const { nativeLinalg, registerNativeBackend } = await import('@learngene/backend-native');
    registerNativeBackend();
    registerLinalg(nativeLinalg());
    return 'Rust kernels';
  },
  async wasm() {
    await import('@tensorflow/tfjs-backend-wasm');
    registerWasmTrainingKernels();
    return 'WebAssembly, one thread';
  },
  async cpu() {
    return 'plain JavaScript, one thread';
  },
  async 'tfjs-node'() {
    const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
    util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
    util.isArray ??= Array.isArray; // tfjs-node calls two helpers that Node 23 removed.
    await importOptional('@tensorflow/tfjs-node');
    return 'libtensorflow on the CPU';
  },
  async webgpu() {
    const dawn = (await importOptional('webgpu')) as { create(flags: string[]): object; globals: object };
    Object.assign(globalThis, dawn.globals);
    if (typeof globalThis.navigator === 'undefined') {
      Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
    }
    Object.defineProperty(globalThis.navigator, 'gpu', { value: dawn.create([]), configurable: true });
    const adapter = await globalThis.navigator.gpu.requestAdapter();
    if (adapter === null) throw new Error('no graphics adapter was found');
    await importOptional('@tensorflow/tfjs-backend-webgpu');
    return adapter.info.description || adapter.info.vendor || 'unnamed adapter';
  },
};

/** Where `tools/tfjs-node` leaves its build. */
const built = fileURLToPath(new URL('../../tools/tfjs-node/build/package.json', import.meta.url));

/** Imports a package that may be installed where the user is, in the workspace's root or by `tools/tfjs-node`. */
async function importOptional(name: string): Promise<Record<string, unknown>> {
  for (const base of [join(process.cwd(), 'package.json'), import.meta.url, built]) {
    try {
      const file = createRequire(base).resolve(name);
      return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(`${name} is not installed`);
}
