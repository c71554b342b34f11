import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { GEMM_BINARY } from './gemm-binary';

/** The compiled product: `transposeA` etc. are 0 or 1, the rest sizes and byte offsets in the heap. */
export type Gemm = (
  batch: number,
  M: number,
  N: number,
  K: number,
  a: number,
  transposeA: number,
  b: number,
  transposeB: number,
  c: number,
  work: number,
) => void;

const instances = new WeakMap<BackendWasm, Gemm | null>();

/**
 * The product on the heap of a backend; null where it cannot be had: no SIMD, or a heap shared between threads.
 */
export function gemmOf(backend: BackendWasm): Gemm | null {
  let gemm = instances.get(backend);
  if (gemm === undefined) {
    gemm = instantiate(backend);
    instances.set(backend, gemm);
  }
  return gemm;
}

function instantiate(backend: BackendWasm): Gemm | null {
  const { asm } = backend.wasm as unknown as { asm?: { memory?: WebAssembly.Memory } };
  if (!asm?.memory) return null;
  try {
    const binary = Uint8Array.from(atob(GEMM_BINARY), (letter) => letter.charCodeAt(0));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory: asm.memory } });
    return instance.exports.gemm as unknown as Gemm;
  } catch {
    return null;
  }
}
