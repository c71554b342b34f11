import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';

/** The numbers of a tensor by its dtype: float32, int32, bool. */
export type Numbers = Float32Array | Int32Array | Uint8Array;

/** A view of the numbers of a tensor in the heap. Take a new view after every allocation, which may move the heap. */
export function heapView(backend: BackendWasm, { dataId, shape, dtype }: TensorInfo): Numbers {
  const size = shape.reduce((product, side) => product * side, 1);
  const { buffer } = (backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8;
  const offset = backend.getMemoryOffset(dataId);
  if (dtype === 'int32') return new Int32Array(buffer, offset, size);
  if (dtype === 'bool') return new Uint8Array(buffer, offset, size);
  return new Float32Array(buffer, offset, size);
}

/** {@link heapView} of a float32 tensor. */
export function floatsInHeap(backend: BackendWasm, info: TensorInfo): Float32Array {
  return heapView(backend, info) as Float32Array;
}
