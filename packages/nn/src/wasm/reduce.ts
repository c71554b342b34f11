import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { floatsInHeap, heapView, type Numbers } from './heap';
import { type Call, kernelsOf, runCalls, threadsOf } from './instance';
import { rangesOf } from './ranges';

/** One reduction of [outer, count, inner] over the middle axis, the sums divided. */
interface Fold {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  readonly divisor: number;
}

/** Numbers from which on a sum is worth a job of several threads: some microseconds of one. */
const WORTH_A_JOB = 2 ** 15;

/** Lines from this length on are normalised once more after the backend's softmax, which adds in float32. */
const LONG_LINE = 1024;

/**
 * `Sum` and `Mean` over any axes, added in float64 and rounded once. The backend's own add one float32 after the other:
 * a million times 0.1 is 100958 there.
 */
export function reduceInHeap(mean: boolean): KernelFunc {
  return (args) => {
    const backend = args.backend as BackendWasm;
    const x = args.inputs.x as TensorInfo;
    const { axis, keepDims } = args.attrs as { axis: number | number[]; keepDims: boolean };
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const [shape, reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const outShape = keepDims ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape;
    const out = backend.makeOutput(outShape, mean ? 'float32' : x.dtype);
    runFolds(backend, foldsOf(x.shape, axes, mean ? tf.util.sizeFromShape(reduced) : 1), x, out);
    return out;
  };
}

/** `AvgPool`: a window over the whole image is a mean; other large ones take the cpu backend's kernel `delegated`. */
export function poolInHeap(original: KernelFunc, delegated: KernelFunc): KernelFunc {
  return (args) => {
    const x = args.inputs.x as TensorInfo;
    const { filterSize, strides, pad, dimRoundingMode } = args.attrs as unknown as Parameters<typeof poolInfo>[1];
    const info = poolInfo(x, { filterSize, strides, pad, dimRoundingMode });
    if (info.filterHeight * info.filterWidth < LONG_LINE) return original(args);
    const whole = info.filterHeight === info.inHeight && info.filterWidth === info.inWidth;
    if (!whole || info.outHeight * info.outWidth !== 1 || info.padInfo.top + info.padInfo.left !== 0)
      return delegated(args);
    const backend = args.backend as BackendWasm;
    const out = backend.makeOutput(info.outShape, 'float32');
    const count = info.inHeight * info.inWidth;
    runFolds(backend, [{ outer: info.batchSize, count, inner: info.inChannels, divisor: count }], x, out);
    return out;
  };
}

function poolInfo(
  { shape }: TensorInfo,
  attrs: {
    readonly filterSize: number | [number, number];
    readonly strides: number | [number, number];
    readonly pad: 'valid' | 'same' | number;
    readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  },
) {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const sizes = shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(sizes, filterSize, strides, 1, pad, dimRoundingMode);
}

/** `Softmax`, whose long lines are divided by their own sum once more: the backend's denominator is a float32 sum. */
export function softmaxInHeap(original: KernelFunc): KernelFunc {
  return (args) => {
    const out = original(args) as TensorInfo;
    const { dim } = args.attrs as unknown as { dim: number };
    const count = out.shape[dim];
    if (count < LONG_LINE) return out;
    const backend = args.backend as BackendWasm;
    const outer = tf.util.sizeFromShape(out.shape) / count;
    if (kernelsOf(backend)) {
      const at = backend.getMemoryOffset(out.dataId);
      const calls = rangesOf(outer, threadsOf(backend)).map(([from, end]): Call => {
        return ['normalizeLines', at + 4 * from * count, end - from, count];
      });
      runCalls(backend, calls);
    } else normalizeLines(floatsInHeap(backend, out), count);
    return out;
  };
}

/** The reductions to do in turn, last axes first. Neighbouring axes are reduced as one. */
function foldsOf(shape: readonly number[], axes: readonly number[], divisor: number): Fold[] {
  const folds: Fold[] = [];
  let inner = 1;
  for (let end = shape.length - 1; end >= 0; ) {
    if (!axes.includes(end)) {
      inner *= shape[end--];
      continue;
    }
    let count = 1;
    while (end >= 0 && axes.includes(end)) count *= shape[end--];
    folds.push({ outer: tf.util.sizeFromShape(shape.slice(0, end + 1)), count, inner, divisor: 1 });
  }
  return folds.map((fold, i) => (i === folds.length - 1 ? { ...fold, divisor } : fold));
}

function runFolds(backend: BackendWasm, folds: readonly Fold[], x: TensorInfo, out: TensorInfo): void {
  const target = heapView(backend, out);
  if (folds.length === 0) target.set(heapView(backend, x));
  if (folds.length === 1 && x.dtype === 'float32' && kernelsOf(backend)) {
    const [from, to] = [x, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
    runCalls(backend, foldCalls(folds[0], { from, to, threads: threadsOf(backend) }));
    return;
  }
  let values: Numbers | Float64Array = heapView(backend, x);
  for (const [i, fold] of folds.entries()) {
    const sums = i === folds.length - 1 ? target : new Float64Array(fold.outer * fold.inner);
    foldSum(values, sums, fold);
    values = sums;
  }
}

/** The calls that do a reduction: on several threads a run of outer places each, or of columns where there are few. */
function foldCalls(
  { outer, count, inner, divisor }: Fold,
  { from, to, threads }: { from: number; to: number; threads: number },
): Call[] {
  const stride = 4 * inner;
  const parts = outer * count * inner < WORTH_A_JOB ? 1 : threads;
  if (outer >= threads || inner < 32) {
    return rangesOf(outer, Math.min(outer, parts)).map(([first, end]) => {
      return ['fold', from + first * count * stride, end - first, count, inner, stride, divisor, to + first * stride];
    });
  }
  return rangesOf(Math.ceil(inner / 16), parts).map(([first, end]) => {
    const columns = Math.min(inner, 16 * end) - 16 * first;
    return ['fold', from + 64 * first, outer, count, columns, stride, divisor, to + 64 * first];
  });
}

/** What wasm/reduce.as does, in JavaScript: out [outer, inner] = sums of x [outer, count, inner] / divisor. */
function foldSum(x: ArrayLike<number>, out: { [index: number]: number }, { outer, count, inner, divisor }: Fold): void {
  const sums = new Float64Array(inner);
  for (let o = 0, at = 0; o < outer; o++) {
    sums.fill(0);
    for (let r = 0; r < count; r++) for (let i = 0; i < inner; i++) sums[i] += x[at++];
    for (let i = 0; i < inner; i++) out[o * inner + i] = sums[i] / divisor;
  }
}

/** Lines of `count` values divided by their sums. */
export function normalizeLines(x: Float32Array, count: number): void {
  const sums = new Float64Array(x.length / count);
  foldSum(x, sums, { outer: sums.length, count, inner: 1, divisor: 1 });
  for (let i = 0; i < x.length; i++) x[i] /= sums[Math.floor(i / count)];
}
