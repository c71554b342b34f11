import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { EPILOGUE, GEMM } from '../addon/linear';
import type { KernelCall, KernelTable } from '../kernel';

const names: (readonly [u: string, s: string, v: string])[] = [];

/** What the factors of a segment are called, made once. */
function ownNames(i: number): (typeof names)[number] {
  return (names[i] ??= [`u${i}`, `s${i}`, `v${i}`]);
}

/** Sizes in rows, and the factors of the segments, u0, s0, v0, u1, ... */
function layerOf({ inputs, attrs, backend }: KernelCall) {
  const { x, u, v } = inputs;
  const tokens = x.shape[1];
  const rowsOf = (samples: number): number => samples * tokens;
  const starts = (attrs.starts as number[]).map(rowsOf);
  const ends = (attrs.ends as number[]).map(rowsOf);
  const own: TensorInfo[] = [];
  for (let i = 0; i < starts.length; i++) for (const name of ownNames(i)) own.push(inputs[name]);
  const flags = backend.precision === 'bf16' ? GEMM.bf16 : 0;
  return { sizes: [rowsOf(x.shape[0]), v.shape[0], u.shape[0], starts, ends, flags] as const, starts, ends, own };
}

/** Words of the hidden rows. */
function hiddenSize({ sizes: [rows], starts, ends, own }: ReturnType<typeof layerOf>, rank: number): number {
  return starts.reduce((sum, start, i) => sum + (ends[i] - start) * own[3 * i + 1].shape[0], rows * rank);
}

function groupedLowRank(call: KernelCall): TensorInfo[] {
  const { inputs, backend } = call;
  const { x, u, s, v, bias } = inputs;
  const layer = layerOf(call);
  const { sizes } = layer;
  const outputs = [backend.output([...x.shape.slice(0, 2), sizes[2]]), backend.output([hiddenSize(layer, s.shape[0])])];
  const [xs, us, ss, vs, y, h] = [x, u, s, v, ...outputs].map((tensor) => backend.f32(tensor));
  const biases = bias ? backend.f32(bias) : undefined;
  const owns = layer.own.map((tensor) => backend.f32(tensor));
  backend.addon.groupedLowRank(...sizes, xs, us, ss, vs, biases, owns, y, h);
  return outputs;
}

/** The layer, then GELU, or stream + gate times it; where `keep` is set, the layer's own result and hidden rows too. */
function groupedLowRankEpilogue(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { x, u, s, v, bias, stream, gate } = inputs;
  const layer = layerOf(call);
  const { sizes } = layer;
  const shape = [...x.shape.slice(0, 2), sizes[2]];
  const hidden = hiddenSize(layer, s.shape[0]);
  const keep = attrs.keep !== false;
  const outputs = keep
    ? [backend.output(shape), backend.output(shape), backend.output([hidden])]
    : [backend.output(shape)];
  if (util.sizeFromShape(shape) === 0) return outputs;
  const [y, pre, kept] = outputs.map((tensor) => backend.f32(tensor));
  const h = keep ? kept : backend.takeScratch(hidden);
  const [xs, us, ss, vs] = [x, u, s, v].map((tensor) => backend.f32(tensor));
  const [biases, streams, gates] = [bias, stream, gate].map((tensor) => (tensor ? backend.f32(tensor) : undefined));
  const owns = layer.own.map((tensor) => backend.f32(tensor));
  const epilogue = gate ? EPILOGUE.store : EPILOGUE.gelu;
  try {
    const { addon } = backend;
    addon.groupedLowRank(...sizes, xs, us, ss, vs, biases, owns, y, h, epilogue, pre, streams, gates, x.shape[1]);
  } finally {
    if (!keep) backend.giveScratch(h);
  }
  return outputs;
}

function groupedLowRankGrad(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { dy, x, u, s, v, bias, state0 } = inputs;
  const { sizes, starts, own } = layerOf(call);
  const common = attrs.common === false ? [] : [u, s, v];
  const wanted = [x, ...common, ...(bias ? [bias] : []), ...own];
  const outputs = wanted.map(({ shape }) => backend.output(shape));
  const [dx, ...others] = outputs.map((tensor) => backend.f32(tensor));
  const dcommon = others.splice(0, common.length);
  const dbias = bias ? others.shift() : undefined;
  const [dys, xs, us, ss, vs, hidden] = [dy, x, u, s, v, state0].map((tensor) => backend.f32(tensor));
  const owns = own.map((tensor) => backend.f32(tensor));
  const ranks = starts.map((_, i) => own[3 * i + 1].shape[0]);
  const work = backend.takeScratch(backend.addon.groupedLowRankWork(...sizes, s.shape[0], ranks));
  try {
    backend.addon.groupedLowRankGrad(...sizes, dys, xs, us, ss, vs, owns, hidden, work, dx, dcommon, dbias, others);
  } finally {
    backend.giveScratch(work);
  }
  return outputs;
}

/** The low-rank layer over a grouped batch, see `groupedLowRank` of `@learngene/nn`. */
export const groupedLowRankKernels: KernelTable = {
  LearngeneGroupedLowRank: groupedLowRank,
  LearngeneGroupedLowRankEpilogue: groupedLowRankEpilogue,
  LearngeneGroupedLowRankGrad: groupedLowRankGrad,
};
