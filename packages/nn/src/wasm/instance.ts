import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/**
 * Functions compiled from one of `wasm/*.as`, on the heap of a backend. They are made once for each backend. Null
 * without SIMD, and for a heap shared between threads.
 */
export function heapFunctions<T>(binary: string): (backend: BackendWasm) => T | null {
  const instances = new WeakMap<BackendWasm, T | null>();
  return (backend) => {
    let functions = instances.get(backend);
    if (functions === undefined) {
      functions = instantiate<T>(backend, binary);
      instances.set(backend, functions);
    }
    return functions;
  };
}

function instantiate<T>(backend: BackendWasm, binary: string): T | null {
  const { asm } = backend.wasm as unknown as { asm?: { memory?: WebAssembly.Memory } };
  if (!asm?.memory) return null;
  try {
    const bytes = Uint8Array.from(atob(binary), (letter) => letter.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: asm.memory } });
    return instance.exports as unknown as T;
  } catch {
    return null;
  }
}
