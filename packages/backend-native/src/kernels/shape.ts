import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { cpuKernel } from '../cpu-kernel';
import type { KernelCall, KernelTable } from '../kernel';
import { copyStrided, type Dim, strides } from './copy';
import { forFloats, sizeOf } from './floats';

/** Another shape over the same values. */
function shared({ backend }: KernelCall, x: TensorInfo, shape: number[]): TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape, dtype: x.dtype };
}

function identity(call: KernelCall) {
  const { x } = call.inputs;
  return x.dtype === 'complex64' ? cpuKernel('Identity', call) : shared(call, x, x.shape);
}

function reshape(call: KernelCall) {
  const { x } = call.inputs;
  if (x.dtype === 'complex64') return cpuKernel('Reshape', call);
  const size = sizeOf(x.shape);
  const shape = util.inferFromImplicitShape(call.attrs.shape as number[], size);
  util.assert(
    sizeOf(shape) === size,
    () => `The new shape (${shape}) has ${sizeOf(shape)} elements and the old shape (${x.shape}) has ${size} elements.`,
  );
  return shared(call, x, shape);
}

function transpose({ inputs: { x }, attrs, backend }: KernelCall): TensorInfo {
  const perm = attrs.perm as number[];
  const shape = perm.map((d) => x.shape[d]);
  const y = backend.output(shape);
  const [from, to] = [strides(x.shape), strides(shape)];
  const dims = perm.map((d, i): Dim => [shape[i], from[d], to[i]]);
  copyStrided(backend, backend.f32(x), backend.f32(y), dims);
  return y;
}

/** The box of `size` at `begin`, every `steps`-th element of it, as a new tensor of another shape of that many elements. */
function box(
  { inputs: { x }, backend }: KernelCall,
  { begin, size, steps, shape = size }: { begin: number[]; size: number[]; steps?: number[]; shape?: number[] },
): TensorInfo {
  const y = backend.output(shape);
  const [from, to] = [strides(x.shape), strides(size)];
  const dims = size.map((count, d): Dim => [count, from[d] * (steps?.[d] ?? 1), to[d]]);
  const base = begin.reduce((sum, start, d) => sum + start * from[d], 0);
  copyStrided(backend, backend.f32(x), backend.f32(y), dims, base);
  return y;
}

function slice(call: KernelCall): TensorInfo {
  const { x } = call.inputs;
  const { begin, size } = call.attrs as { begin: number[]; size: number[] };
  const [first, count] = slice_util.parseSliceParams(x, begin, size);
  slice_util.assertParamsValid(x, first, count);
  return box(call, { begin: first, size: count });
}

function stridedSlice(call: KernelCall): TensorInfo {
  const { x } = call.inputs;
  const a = call.attrs as Record<'begin' | 'end' | 'strides', number[]> & Record<string, number>;
  const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
  const { begin, end, strides: steps, finalShape } = slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, ...masks);
  const size = slice_util.computeOutShape(begin, end, steps).map((count) => Math.max(count, 0));
  return box(call, { begin, size, steps, shape: finalShape });
}

function reverse({ inputs: { x }, attrs, backend }: KernelCall): TensorInfo {
  const axes = util.parseAxisParam(attrs.dims as number[], x.shape);
  const y = backend.output(x.shape);
  const step = strides(x.shape);
  let base = 0;
  const dims = x.shape.map((size, d): Dim => {
    if (!axes.includes(d)) return [size, step[d], step[d]];
    base += (size - 1) * step[d];
    return [size, -step[d], step[d]];
  });
  copyStrided(backend, backend.f32(x), backend.f32(y), dims, base);
  return y;
}

function tile({ inputs: { x }, attrs, backend }: KernelCall): TensorInfo {
  const reps = attrs.reps as number[];
  const shape = x.shape.map((size, d) => size * reps[d]);
  const y = backend.output(shape);
  const [from, to] = [strides(x.shape), strides(shape)];
  const dims = x.shape.flatMap((size, d): Dim[] => [
    [reps[d], 0, size * to[d]],
    [size, from[d], to[d]],
  ]);
  copyStrided(backend, backend.f32(x), backend.f32(y), dims);
  return y;
}

function padV2({ inputs: { x }, attrs, backend }: KernelCall): TensorInfo {
  const { paddings, constantValue } = attrs as unknown as { paddings: [number, number][]; constantValue: number };
  const shape = x.shape.map((size, d) => paddings[d][0] + size + paddings[d][1]);
  const y = backend.output(shape);
  const [from, to] = [strides(x.shape), strides(shape)];
  if (sizeOf(shape) !== sizeOf(x.shape)) backend.addon.fill(constantValue, backend.f32(y));
  const dims = x.shape.map((size, d): Dim => [size, from[d], to[d]]);
  const base = paddings.reduce((sum, [before], d) => sum + before * to[d], 0);
  copyStrided(backend, backend.f32(x), backend.f32(y), dims, 0, base);
  return y;
}

/** Puts tensors [outer, own, inner] side by side along the middle; `sizes` are their own · inner. */
function join({ backend }: KernelCall, tensors: TensorInfo[], shape: number[], outer: number, sizes: number[]) {
  const y = backend.output(shape);
  const values = backend.f32(y);
  const row = sizes.reduce((sum, size) => sum + size, 0);
  let at = 0;
  for (const [i, tensor] of tensors.entries()) {
    const size = sizes[i];
    const dims: Dim[] = [
      [outer, size, row],
      [size, 1, 1],
    ];
    copyStrided(backend, backend.f32(tensor), values, dims, 0, at);
    at += size;
  }
  return y;
}

function concat(call: KernelCall): TensorInfo {
  const inputs = Object.values(call.inputs);
  const axis = util.parseAxisParam(call.attrs.axis as number, inputs[0].shape)[0];
  const shapes = inputs.map((input) => input.shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const shape = backend_util.computeOutShape(shapes, axis);
  const full = inputs.filter((input) => sizeOf(input.shape) > 0);
  if (full.length === 1) return shared(call, full[0], full[0].shape);
  const sizes = full.map((input) => sizeOf(input.shape, axis));
  return join(call, full, shape, sizeOf(shape, 0, axis), sizes);
}

function pack(call: KernelCall): TensorInfo {
  const inputs = Object.values(call.inputs);
  const [{ shape: one }] = inputs;
  const given = call.attrs.axis as number;
  const axis = given < 0 ? given + one.length + 1 : given;
  for (const { shape } of inputs) {
    util.assertShapesMatch(one, shape, 'All tensors passed to stack must have matching shapes');
  }
  const shape = [...one.slice(0, axis), inputs.length, ...one.slice(axis)];
  const size = sizeOf(one, axis);
  return join(
    call,
    inputs,
    shape,
    sizeOf(one, 0, axis),
    inputs.map(() => size),
  );
}

/** The parts of a tensor along an axis, each reshaped. */
function parts(call: KernelCall, axis: number, sizes: number[], shapeOf: (size: number) => number[]): TensorInfo[] {
  const { inputs, backend } = call;
  const [{ shape: full }] = Object.values(inputs);
  const [input] = Object.values(inputs);
  const [outer, inner] = [sizeOf(full, 0, axis), sizeOf(full, axis + 1)];
  let at = 0;
  return sizes.map((size) => {
    const y = backend.output(shapeOf(size));
    const dims: Dim[] = [
      [outer, full[axis] * inner, size * inner],
      [size * inner, 1, 1],
    ];
    copyStrided(backend, backend.f32(input), backend.f32(y), dims, at * inner);
    at += size;
    return y;
  });
}

function splitV(call: KernelCall): TensorInfo[] {
  const { x } = call.inputs;
  const axis = util.parseAxisParam(call.attrs.axis as number, x.shape)[0];
  const sizes = backend_util.prepareSplitSize(x as never, call.attrs.numOrSizeSplits as number[], axis);
  return parts(call, axis, sizes, (size) => x.shape.map((own, d) => (d === axis ? size : own)));
}

function unpack(call: KernelCall): TensorInfo[] {
  const { value } = call.inputs;
  const rank = value.shape.length;
  const axis = ((call.attrs.axis as number) + rank) % rank;
  const shape = value.shape.filter((_, d) => d !== axis);
  return parts(call, axis, Array(value.shape[axis]).fill(1), () => shape);
}

/** Kernels that move data: float32 in Rust, other types by the cpu backend. */
export const shapeKernels: KernelTable = {
  Identity: identity,
  Reshape: reshape,
  Transpose: forFloats('Transpose', transpose),
  Slice: forFloats('Slice', slice),
  StridedSlice: forFloats('StridedSlice', stridedSlice),
  Reverse: forFloats('Reverse', reverse),
  Tile: forFloats('Tile', tile),
  PadV2: forFloats('PadV2', padV2),
  Concat: forFloats('Concat', concat),
  Pack: forFloats('Pack', pack),
  SplitV: forFloats('SplitV', splitV),
  Unpack: forFloats('Unpack', unpack),
};
