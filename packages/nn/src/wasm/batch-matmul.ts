import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** Below this many multiplications an item, one call for the whole batch costs less than a call each. */
const SMALL = 8192;

/** Ids of the views of one item; the backend counts its own up from 1. */
const [A, B, OUT] = [0x7ffffff1, 0x7ffffff2, 0x7ffffff3];

/** The compiled function behind the backend's kernel, and the heap it works on. */
interface Product {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(offset: number): void;
  _BatchMatMul(...args: number[]): void;
}

/**
 * The wasm backend gives a plain 2-D product to XNNPACK and computes every batched one with a loop that is 10 times
 * slower. This kernel gives each item of a batch to the 2-D product, through views of the same heap.
 */
export function batchedMatMul(original: KernelFunc): KernelFunc {
  return (args) => {
    const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = args.attrs as NamedAttrMap;
    const [M, K] = a.shape.slice(-2);
    const [inner, N] = b.shape.slice(-2);
    const batch = tf.util.sizeFromShape(a.shape.slice(0, -2));
    const plain =
      !transposeA &&
      !transposeB &&
      inner === K &&
      tf.util.arraysEqual(a.shape.slice(0, -2), b.shape.slice(0, -2)) &&
      a.dtype === 'float32' &&
      b.dtype === 'float32';
    if (!plain || batch < 2 || M * K * N < SMALL) return original(args);
    const backend = args.backend as BackendWasm;
    const out = backend.makeOutput([...a.shape.slice(0, -1), N], 'float32');
    multiplyItems(backend, { batch, M, K, N }, [a, b, out]);
    return out;
  };
}

/** One 2-D product for each item of [batch, M, K] and [batch, K, N]. */
function multiplyItems(
  backend: BackendWasm,
  { batch, M, K, N }: { batch: number; M: number; K: number; N: number },
  [a, b, out]: readonly TensorInfo[],
): void {
  const { tfjs } = backend.wasm;
  const wasm = backend.wasm as unknown as Product;
  const [aAt, bAt, outAt] = [a, b, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
  const shapes = wasm._malloc(24) >>> 0;
  new Int32Array(wasm.HEAPU8.buffer, shapes, 6).set([1, M, K, 1, K, N]);
  for (let i = 0; i < batch; i++) {
    tfjs.registerTensor(A, M * K, aAt + 4 * i * M * K);
    tfjs.registerTensor(B, K * N, bAt + 4 * i * K * N);
    tfjs.registerTensor(OUT, M * N, outAt + 4 * i * M * N);
    wasm._BatchMatMul(A, shapes, 3, B, shapes + 12, 3, 0, 0, OUT);
    // XNNPACK keeps the packed second factor by its id until that is disposed.
    for (const id of [A, B, OUT]) tfjs.disposeData(id);
  }
  wasm._free(shapes);
}
