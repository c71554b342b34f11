import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { canMultiply, multiply, workOf } from './gemm';
import { type Heap, heapOf } from './instance';

/**
 * The wasm backend gives a plain 2-D product to XNNPACK, which packs its second factor slowly, and computes every
 * batched or transposed one with a loop that is 10 times slower. This kernel takes all of them in float32.
 */
export function batchedMatMul(original: KernelFunc): KernelFunc {
  return (args) => {
    const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA = false, transposeB = false } = args.attrs as { transposeA?: boolean; transposeB?: boolean };
    const backend = args.backend as BackendWasm;
    const [aRows, aColumns] = a.shape.slice(-2);
    const [bRows, bColumns] = b.shape.slice(-2);
    const [M, K] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const [inner, N] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
    const batchShape = a.shape.slice(0, -2);
    const fits =
      inner === K &&
      M * N * K > 0 &&
      tf.util.arraysEqual(batchShape, b.shape.slice(0, -2)) &&
      a.dtype === 'float32' &&
      b.dtype === 'float32';
    if (!fits) return original(args);
    if (!canMultiply(backend)) return transposedFirst(original, args);
    const out = backend.makeOutput([...batchShape, M, N], 'float32');
    const sizes = { batch: tf.util.sizeFromShape(batchShape), M, N, K };
    const heap = heapOf(backend) as Heap;
    const work = heap.malloc(4 * workOf(backend, sizes));
    const [aAt, bAt, outAt] = [a, b, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
    multiply(backend, { ...sizes, a: aAt, transposeA, b: bAt, transposeB, c: outAt }, work);
    heap.free(work);
    return out;
  };
}

/** The backend's own product after explicit transposes, which is what is fast there. */
function transposedFirst(
  original: KernelFunc,
  { inputs, attrs, backend }: Parameters<KernelFunc>[0],
): ReturnType<KernelFunc> {
  const made: TensorInfo[] = [];
  const plain = (x: TensorInfo, transpose: unknown): TensorInfo => {
    if (!transpose) return x;
    const rank = x.shape.length;
    const perm = x.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    made.push(tf.getKernel('Transpose', 'wasm').kernelFunc({ inputs: { x }, attrs: { perm }, backend }) as TensorInfo);
    return made[made.length - 1];
  };
  const [a, b] = [plain(inputs.a as TensorInfo, attrs?.transposeA), plain(inputs.b as TensorInfo, attrs?.transposeB)];
  const out = original({ inputs: { a, b }, attrs: { transposeA: false, transposeB: false }, backend });
  for (const { dataId } of made) (backend as BackendWasm).disposeData(dataId);
  return out;
}
