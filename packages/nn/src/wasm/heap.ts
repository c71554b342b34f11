import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Heap, heapOf } from './instance';

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

/** `count` float32 numbers at a byte offset in the heap. */
export function floatsAt(backend: BackendWasm, offset: number, count: number): Float32Array {
  return new Float32Array((backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.buffer, offset, count);
}

/** {@link heapView} of a float32 tensor. */
export function floatsInHeap(backend: BackendWasm, info: TensorInfo): Float32Array {
  return heapView(backend, info) as Float32Array;
}

/** The byte offsets of tensors in the heap. */
export function offsetsOf(backend: BackendWasm, infos: readonly TensorInfo[]): number[] {
  return infos.map(({ dataId }) => backend.getMemoryOffset(dataId));
}

/**
 * Calls `use` with the offset of room for so many float32 numbers, which is freed afterwards.
 *
 * @throws Error where the heap is full.
 */
export function withWork(backend: BackendWasm, floats: number, use: (at: number) => void): void {
  const heap = heapOf(backend) as Heap;
  const at = heap.malloc(4 * floats);
  if (at === 0) throw new Error(`the wasm heap is full: no room for ${floats} numbers to work with`);
  try {
    use(at);
  } finally {
    heap.free(at);
  }
}
