import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { cpuKernel } from '../cpu-kernel';
import type { KernelCall, KernelTable } from '../kernel';
import { sizeOf } from './floats';

function gatherV2(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { x, indices } = inputs;
  if (x.dtype !== 'float32' || indices.dtype !== 'int32') return cpuKernel('GatherV2', call);
  const axis = util.parseAxisParam(attrs.axis as number, x.shape)[0];
  const batchDims = (attrs.batchDims as number | undefined) ?? 0;
  const info = backend_util.segment_util.collectGatherOpShapeInfo(x as never, indices as never, axis, batchDims);
  const y = backend.output(info.outputShape);
  const sizes = [info.batchSize, info.outerSize, info.dimSize, info.sliceSize] as const;
  try {
    backend.addon.gather(backend.f32(x), backend.i32(indices), backend.f32(y), ...sizes);
  } catch (error) {
    backend.disposeIntermediateTensorInfo(y);
    throw error;
  }
  return y;
}

function unsortedSegmentSum(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { x, segmentIds } = inputs;
  const rows = segmentIds.shape.length === 1 && segmentIds.shape[0] === x.shape[0];
  if (x.dtype !== 'float32' || segmentIds.dtype !== 'int32' || !rows) return cpuKernel('UnsortedSegmentSum', call);
  const y: TensorInfo = backend.output([attrs.numSegments as number, ...x.shape.slice(1)]);
  backend.addon.segmentSum(backend.f32(x), backend.i32(segmentIds), backend.f32(y), sizeOf(x.shape, 1));
  return y;
}

function oneHot(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { indices } = inputs;
  const { depth, onValue, offValue } = attrs as Record<string, number>;
  if (attrs.dtype !== 'float32' || indices.dtype !== 'int32') return cpuKernel('OneHot', call);
  const y = backend.output([...indices.shape, depth]);
  backend.addon.oneHot(backend.i32(indices), backend.f32(y), depth, onValue, offValue);
  return y;
}

/** Kernels with indices: float32 values in Rust, other types by the cpu backend. */
export const gatherKernels: KernelTable = {
  GatherV2: gatherV2,
  UnsortedSegmentSum: unsortedSegmentSum,
  OneHot: oneHot,
};
