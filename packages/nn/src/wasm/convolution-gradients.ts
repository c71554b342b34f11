import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { canMultiply, multiply, type Product, workOf } from './gemm';

/** Most numbers of the patches that lie in memory at once. */
const MOST_PATCHES = 2 ** 20;

type Conv = tf.backend_util.Conv2DInfo;

/**
 * The gradient of the filters of a 2-D convolution, which the wasm backend lacks: the patches of the image under the filter
 * as a matrix, times the gradients at their positions. Sums over many positions are added in float64.
 *
 * @param fallback - takes what is not float32 in NHWC, and everything where there is no SIMD.
 */
export function filterGradientInHeap(fallback: KernelFunc): KernelFunc {
  return (args) => {
    const { x, dy } = args.inputs as { x: TensorInfo; dy: TensorInfo };
    const backend = args.backend as BackendWasm;
    const { filterShape } = args.attrs as unknown as { filterShape: [number, number, number, number] };
    if (!canMultiply(backend) || !fits(args.attrs, x, dy)) return fallback(args);
    const conv = convOf(args.attrs as NamedAttrMap, x.shape, filterShape);
    const { columns, rows, outputs } = sizesOf(conv);
    const out = backend.makeOutput([...filterShape], 'float32');
    const chunk = chunkOf(conv);
    const size = columns * outputs;
    const pointwise = isPointwise(conv);
    const total = chunk < rows ? new Float64Array(size) : undefined;
    const [xAt, dyAt, outAt] = [x, dy, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
    const scratch = [
      pointwise ? 0 : chunk * columns,
      total ? size : 0,
      workOf(backend, product(columns, outputs, chunk)),
    ];
    withScratch(backend, scratch, (patches, part, work) => {
      const numbers = heapNumbers(backend);
      for (let from = 0; from < rows; from += chunk) {
        const count = Math.min(chunk, rows - from);
        if (!pointwise) {
          numbers.fill(0, patches / 4, patches / 4 + count * columns);
          eachRun(conv, from, count, (image, patch, length) => {
            numbers.copyWithin(patches / 4 + patch, xAt / 4 + image, xAt / 4 + image + length);
          });
        }
        const a = pointwise ? xAt + 4 * from * columns : patches;
        const [b, c] = [dyAt + 4 * from * outputs, total ? part : outAt];
        multiply(backend, { ...product(columns, outputs, count), a, transposeA: true, b, transposeB: false, c }, work);
        if (total) for (let i = 0; i < size; i++) total[i] += numbers[part / 4 + i];
      }
      if (total) numbers.set(total, outAt / 4);
    });
    return out;
  };
}

/**
 * The gradient of the image of a 2-D convolution, which the wasm backend computes by a plain loop: the gradients times the
 * filters are the gradients of patches, which are added where they overlap.
 *
 * @param fallback - takes what is not float32 in NHWC, and everything where there is no SIMD.
 */
export function imageGradientInHeap(fallback: KernelFunc): KernelFunc {
  return (args) => {
    const { dy, filter } = args.inputs as { dy: TensorInfo; filter: TensorInfo };
    const backend = args.backend as BackendWasm;
    const { inputShape } = args.attrs as unknown as { inputShape: [number, number, number, number] };
    if (!canMultiply(backend) || !fits(args.attrs, dy, filter)) return fallback(args);
    const conv = convOf(args.attrs as NamedAttrMap, inputShape, filter.shape);
    const { columns, rows, outputs } = sizesOf(conv);
    const out = backend.makeOutput([...inputShape], 'float32');
    const chunk = isPointwise(conv) ? rows : chunkOf(conv);
    const [dyAt, filterAt, outAt] = [dy, filter, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
    const scratch = [isPointwise(conv) ? 0 : chunk * columns, workOf(backend, product(chunk, columns, outputs))];
    withScratch(backend, scratch, (patches, work) => {
      const timesFilter = (from: number, count: number, c: number): void => {
        const a = dyAt + 4 * from * outputs;
        const factors = { a, transposeA: false, b: filterAt, transposeB: true, c };
        multiply(backend, { ...product(count, columns, outputs), ...factors }, work);
      };
      if (isPointwise(conv)) return timesFilter(0, rows, outAt);
      const numbers = heapNumbers(backend);
      numbers.fill(0, outAt / 4, outAt / 4 + tf.util.sizeFromShape(inputShape));
      for (let from = 0; from < rows; from += chunk) {
        const count = Math.min(chunk, rows - from);
        timesFilter(from, count, patches);
        eachRun(conv, from, count, (image, patch, length) => {
          const [to, start] = [outAt / 4 + image, patches / 4 + patch];
          for (let i = 0; i < length; i++) numbers[to + i] += numbers[start + i];
        });
      }
    });
    return out;
  };
}

/** Every number of the heap. Take it anew after every allocation, which may move the heap. */
function heapNumbers(backend: BackendWasm): Float32Array {
  return new Float32Array((backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.buffer);
}

/** Calls `work` with the offsets of as many float32 numbers as it needs, and frees them. */
function withScratch(backend: BackendWasm, floats: readonly number[], work: (...offsets: number[]) => void): void {
  const heap = backend.wasm as unknown as { _malloc(bytes: number): number; _free(offset: number): void };
  const offset = heap._malloc(4 * floats.reduce((sum, count) => sum + count, 0)) >>> 0;
  if (offset === 0) throw new Error('the wasm heap is full: no room for the patches of a convolution');
  let at = offset;
  const offsets = floats.map((count) => {
    at += 4 * count;
    return at - 4 * count;
  });
  try {
    work(...offsets);
  } finally {
    heap._free(offset);
  }
}

function fits(attrs: NamedAttrMap | undefined, a: TensorInfo, b: TensorInfo): boolean {
  return attrs?.dataFormat === 'NHWC' && [a, b].every(({ dtype, shape }) => dtype === 'float32' && !shape.includes(0));
}

function convOf(attrs: NamedAttrMap, image: number[], filter: number[]): Conv {
  const { strides, pad, dimRoundingMode } = attrs as unknown as {
    strides: [number, number];
    pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  };
  return tf.backend_util.computeConv2DInfo(image as never, filter as never, strides, 1, pad, dimRoundingMode);
}

/** The matrix of the patches: a row for every position of the result, a column for every number under the filter. */
function sizesOf(conv: Conv): { rows: number; columns: number; outputs: number } {
  return {
    rows: conv.batchSize * conv.outHeight * conv.outWidth,
    columns: conv.filterHeight * conv.filterWidth * conv.inChannels,
    outputs: conv.outChannels,
  };
}

/** Whether a position sees itself alone: the image is the matrix of its patches. */
function isPointwise({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo }: Conv): boolean {
  const { top, bottom, left, right } = padInfo;
  const ones = [filterHeight, filterWidth, strideHeight, strideWidth];
  return ones.every((one) => one === 1) && top + bottom + left + right === 0;
}

/** Rows of patches at once. */
function chunkOf(conv: Conv): number {
  const { rows, columns } = sizesOf(conv);
  return Math.min(rows, Math.max(1, Math.floor(MOST_PATCHES / columns)));
}

/** The sizes of one product of [M, K] and [K, N]. */
function product(M: number, N: number, K: number): Pick<Product, 'batch' | 'M' | 'N' | 'K'> {
  return { batch: 1, M, N, K };
}

/** Visits the runs of consecutive numbers that image and patches share: offsets in the image and in rows `from` on, length. */
function eachRun(
  conv: Conv,
  from: number,
  count: number,
  visit: (image: number, patch: number, length: number) => void,
): void {
  const { inHeight, inWidth, inChannels: C, outHeight, outWidth, filterHeight, filterWidth, padInfo } = conv;
  const { columns } = sizesOf(conv);
  for (let row = 0; row < count; row++) {
    const position = from + row;
    const across = position % outWidth;
    const down = Math.floor(position / outWidth) % outHeight;
    const n = Math.floor(position / (outWidth * outHeight));
    const left = across * conv.strideWidth - padInfo.left;
    const [first, end] = [Math.max(0, -left), Math.min(filterWidth, inWidth - left)];
    if (end <= first) continue;
    for (let k = 0; k < filterHeight; k++) {
      const y = down * conv.strideHeight - padInfo.top + k;
      if (y < 0 || y >= inHeight) continue;
      const image = ((n * inHeight + y) * inWidth + left + first) * C;
      visit(image, row * columns + (k * filterWidth + first) * C, (end - first) * C);
    }
  }
}
