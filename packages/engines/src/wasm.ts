import type { Engine } from './types';

/** WebAssembly SIMD, which is always there. Kernels that training needs and wasm lacks come from the cpu backend. */
export const wasm: Engine<'wasm'> = {
  name: 'wasm',
  title: 'WebAssembly SIMD (@tensorflow/tfjs-backend-wasm)',
  async load({ wasmPaths } = {}) {
    try {
      await import('@tensorflow/tfjs-backend-cpu');
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      const { registerWasmTrainingKernels } = await import('@learngene/nn/wasm');
      if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
      registerWasmTrainingKernels();
      return { ok: true, backend: 'wasm', detail: 'WebAssembly SIMD, 1 thread', accelerated: false };
    } catch (error) {
      return {
        ok: false,
        reason: error instanceof Error ? error.message : String(error),
        remedy: 'reinstall the dependencies; the engine cpu works meanwhile',
      };
    }
  },
};
