import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { GEMM_BINARY } from './gemm-binary';
import { heapFunctions } from './instance';

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

const functionsOf = /* @__PURE__ */ heapFunctions<{ readonly gemm: Gemm }>(GEMM_BINARY);

/** The product on the heap of a backend; null where it is not available. */
export function gemmOf(backend: BackendWasm): Gemm | null {
  return functionsOf(backend)?.gemm ?? null;
}
