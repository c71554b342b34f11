import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { REDUCTIONS } from '../addon/reduce';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall, KernelTable } from '../kernel';
import { sizeOf } from './floats';

/** Neighbouring dimensions that are all reduced, or all kept. */
interface Run {
  size: number;
  readonly reduced: boolean;
}

/** One pass: the middle dimension of [outer, size, inner] goes. */
interface Pass {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/** The passes, the innermost first, that reduce the given axes; always at least one. */
function passes(shape: readonly number[], axes: readonly number[]): Pass[] {
  const runs: Run[] = [];
  for (let d = 0; d < shape.length; d++) {
    const reduced = axes.includes(d);
    const last = runs.at(-1);
    if (last?.reduced === reduced) last.size *= shape[d];
    else if (shape[d] !== 1) runs.push({ size: shape[d], reduced });
  }
  const all: Pass[] = [];
  let inner = 1;
  for (let i = runs.length - 1; i >= 0; i--) {
    if (!runs[i].reduced) {
      inner *= runs[i].size;
      continue;
    }
    const outer = runs.slice(0, i).reduce((product, run) => product * run.size, 1);
    all.push({ outer, size: runs[i].size, inner });
  }
  return all.length === 0 ? [{ outer: 1, size: 1, inner: sizeOf(shape) }] : all;
}

function reducedShape(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  if (keep) return shape.map((size, d) => (axes.includes(d) ? 1 : size));
  return shape.filter((_, d) => !axes.includes(d));
}

type PassOf = (call: KernelCall, x: Float32Array, y: Float32Array, pass: Pass) => void;

function reduction(name: string, attribute: string, run: PassOf): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    const size = sizeOf(x.shape);
    if (x.dtype !== 'float32' || size === 0) return cpuKernel(name, call);
    const axes = util.parseAxisParam(attrs[attribute] as number[], x.shape);
    const y = backend.output(reducedShape(x.shape, axes, attrs.keepDims === true));
    const all = passes(x.shape, axes);
    let values = backend.f32(x);
    const scratch: Float32Array[] = [];
    for (const [i, pass] of all.entries()) {
      const last = i + 1 === all.length;
      const to = last ? backend.f32(y) : backend.takeScratch(pass.outer * pass.inner);
      if (!last) scratch.push(to);
      run(call, values, to, pass);
      values = to;
    }
    for (const buffer of scratch) backend.giveScratch(buffer);
    return y;
  };
}

function numbered(name: (typeof REDUCTIONS)[number], attribute = 'axis'): Kernel {
  const op = REDUCTIONS.indexOf(name);
  return reduction(name, attribute, ({ backend }, x, y, { outer, size, inner }) =>
    backend.addon.reduce(op, x, y, outer, size, inner),
  );
}

const mean = reduction('Mean', 'axis', ({ backend }, x, y, { outer, size, inner }) =>
  backend.addon.mean(x, y, outer, size, inner),
);

function hold(name: 'All' | 'Any'): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    const axes = util.parseAxisParam(attrs.axis as number[], x.shape);
    const all = passes(x.shape, axes);
    if (x.dtype !== 'bool' || all.length > 1 || sizeOf(x.shape) === 0) return cpuKernel(name, call);
    const shape = reducedShape(x.shape, axes, attrs.keepDims === true);
    const values = new Uint8Array(sizeOf(shape));
    const [{ outer, size, inner }] = all;
    backend.addon.hold(name === 'All', backend.u8(x), values, outer, size, inner);
    return backend.makeTensorInfo(shape, 'bool', values);
  };
}

function argExtreme(name: 'ArgMax' | 'ArgMin'): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x } = inputs;
    if (x.dtype !== 'float32' || sizeOf(x.shape) === 0) return cpuKernel(name, call);
    const axis = util.parseAxisParam(attrs.axis as number, x.shape)[0];
    const [shape] = backend_util.computeOutAndReduceShapes(x.shape, [axis]);
    const values = new Int32Array(sizeOf(shape));
    const [outer, inner] = [sizeOf(x.shape, 0, axis), sizeOf(x.shape, axis + 1)];
    backend.addon.argExtreme(name === 'ArgMax', backend.f32(x), values, outer, x.shape[axis], inner);
    return backend.makeTensorInfo(shape, 'int32', values);
  };
}

/** Reductions: float32 (bool for All and Any) in Rust, other types by the cpu backend. */
export const reduceKernels: KernelTable = {
  Sum: numbered('Sum'),
  Max: numbered('Max', 'reductionIndices'),
  Min: numbered('Min'),
  Prod: numbered('Prod'),
  Mean: mean,
  All: hold('All'),
  Any: hold('Any'),
  ArgMax: argExtreme('ArgMax'),
  ArgMin: argExtreme('ArgMin'),
} satisfies Record<string, (call: KernelCall) => TensorInfo | TensorInfo[]>;
