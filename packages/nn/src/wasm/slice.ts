import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, SliceAttrs, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The wasm backend copies a whole tensor out of its heap to take a slice. A contiguous one (leading rows) is one copy
 * within the heap.
 */
export function sliceInHeap(original: KernelFunc): KernelFunc {
  return (args) => {
    const x = args.inputs.x as TensorInfo;
    const { begin, size } = args.attrs as unknown as SliceAttrs;
    const [start, sizes] = tf.slice_util.parseSliceParams(x as Tensor, begin, size);
    if (x.dtype === 'string' || !tf.slice_util.isSliceContinous(x.shape, start, sizes)) return original(args);
    const backend = args.backend as BackendWasm;
    const out = backend.makeOutput(sizes, x.dtype);
    const bytes = tf.util.bytesPerElement(x.dtype);
    const offset = tf.slice_util.computeFlatOffset(start, tf.util.computeStrides(x.shape));
    const from = backend.getMemoryOffset(x.dataId) + offset * bytes;
    const heap = (backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8;
    heap.copyWithin(backend.getMemoryOffset(out.dataId), from, from + tf.util.sizeFromShape(sizes) * bytes);
    return out;
  };
}
