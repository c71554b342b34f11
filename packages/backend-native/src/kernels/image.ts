import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall, KernelTable } from '../kernel';
import { forFloats, sizeOf } from './floats';
import { windowSizes } from './window';

const NONE = new Float32Array(0);

type PoolInfo = Parameters<typeof backend_util.computePool2DInfo>;

function poolInfo({ attrs }: KernelCall, shape: number[]): backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as {
    filterSize: PoolInfo[1];
    strides: PoolInfo[2];
    pad: PoolInfo[4];
    dimRoundingMode?: PoolInfo[5];
  };
  return backend_util.computePool2DInfo(shape as PoolInfo[0], filterSize, strides, 1, pad, dimRoundingMode);
}

function pool(max: boolean): Kernel {
  return (call) => {
    const { inputs, backend } = call;
    const info = poolInfo(call, inputs.x.shape);
    const y = backend.output(info.outShape);
    backend.addon.pool2d(max, windowSizes(info, 1), backend.f32(inputs.x), backend.f32(y));
    return y;
  };
}

function poolGrad(max: boolean): Kernel {
  return (call) => {
    const { inputs, backend } = call;
    const { dy, input } = inputs;
    const info = poolInfo(call, input.shape);
    const dx = backend.output(info.inShape);
    const x = max ? backend.f32(input) : NONE;
    backend.addon.pool2dGrad(max, windowSizes(info, 1), x, backend.f32(dy), backend.f32(dx));
    return dx;
  };
}

function resizeSizes(call: KernelCall, shape: number[], [height, width]: number[], bilinear: boolean): Int32Array {
  const { alignCorners, halfPixelCenters } = call.attrs;
  return Int32Array.of(...shape, height, width, +bilinear, +(alignCorners === true), +(halfPixelCenters === true));
}

function resize(bilinear: boolean): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { images } = inputs;
    const size = attrs.size as number[];
    const y = backend.output([images.shape[0], size[0], size[1], images.shape[3]]);
    const sizes = resizeSizes(call, images.shape, size, bilinear);
    backend.addon.resize(sizes, backend.f32(images), backend.f32(y));
    return y;
  };
}

function resizeGrad(bilinear: boolean): Kernel {
  return (call) => {
    const { inputs, backend } = call;
    const { images, dy } = inputs;
    const dx = backend.output(images.shape);
    const sizes = resizeSizes(call, images.shape, dy.shape.slice(1, 3), bilinear);
    backend.addon.resizeGrad(sizes, backend.f32(dy), backend.f32(dx));
    return dx;
  };
}

function batchNorm(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { x, mean, variance } = inputs;
  const { scale, offset } = inputs as Partial<Record<'scale' | 'offset', TensorInfo>>;
  const channels = x.shape.at(-1);
  const rows = [mean, variance, scale, offset].every((row) => !row || sizeOf(row.shape) === channels);
  if (!rows) return cpuKernel('FusedBatchNorm', call);
  const y = backend.output(x.shape);
  const statistics = [backend.f32(mean), backend.f32(variance)] as const;
  const affine = [scale ? backend.f32(scale) : NONE, offset ? backend.f32(offset) : NONE] as const;
  const epsilon = Number(attrs.varianceEpsilon ?? 1e-3);
  backend.addon.batchNorm(backend.f32(x), ...statistics, ...affine, backend.f32(y), epsilon);
  return y;
}

/**
 * Kernels of images [N, H, W, C]: float32 in Rust, other types by the cpu backend. The gradients are the exact adjoints;
 * those of the cpu backend are not for average pooling with padding, for the nearest neighbour, and for half-pixel
 * centres.
 */
export const imageKernels: KernelTable = {
  MaxPool: forFloats('MaxPool', pool(true)),
  AvgPool: forFloats('AvgPool', pool(false)),
  MaxPoolGrad: forFloats('MaxPoolGrad', poolGrad(true)),
  AvgPoolGrad: forFloats('AvgPoolGrad', poolGrad(false)),
  ResizeBilinear: forFloats('ResizeBilinear', resize(true)),
  ResizeNearestNeighbor: forFloats('ResizeNearestNeighbor', resize(false)),
  ResizeBilinearGrad: forFloats('ResizeBilinearGrad', resizeGrad(true)),
  ResizeNearestNeighborGrad: forFloats('ResizeNearestNeighborGrad', resizeGrad(false)),
  FusedBatchNorm: forFloats('FusedBatchNorm', batchNorm),
};
