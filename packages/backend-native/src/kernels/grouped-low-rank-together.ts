import type { TensorInfo } from '@tensorflow/tfjs-core';
import { GEMM } from '../addon/linear';
import type { KernelCall, KernelTable } from '../kernel';

/** Sizes in the addon's order, and the inputs of the layers, layer by layer. */
function layersOf({ inputs, attrs, backend }: KernelCall) {
  const { x } = inputs;
  const count = attrs.layers as number;
  const rowsOf = (samples: number): number => samples * x.shape[1];
  const starts = (attrs.starts as number[]).map(rowsOf);
  const ends = (attrs.ends as number[]).map(rowsOf);
  const layers = Array.from({ length: count }, (_, i) => i);
  const common = layers.flatMap((i) => [inputs[`u_${i}`], inputs[`s_${i}`], inputs[`v_${i}`]]);
  const biases = inputs.bias_0 === undefined ? [] : layers.map((i) => inputs[`bias_${i}`]);
  const own = layers.flatMap((i) =>
    starts.flatMap((_, c) => [inputs[`u${c}_${i}`], inputs[`s${c}_${i}`], inputs[`v${c}_${i}`]]),
  );
  const outs = layers.map((i) => common[3 * i].shape[0]);
  const flags = backend.precision === 'bf16' ? GEMM.bf16 : 0;
  const sizes = [rowsOf(x.shape[0]), common[2].shape[0], outs, starts, ends, flags] as const;
  const ranks = layers.map((i) => common[3 * i + 1].shape[0]);
  const ownRanks = layers.map((i) => starts.map((_, c) => own[3 * (i * starts.length + c) + 1].shape[0]));
  return { sizes, starts, ends, common, biases, own, layers, ranks, ownRanks };
}

function together(call: KernelCall): TensorInfo[] {
  const { inputs, backend } = call;
  const { x } = inputs;
  const { sizes, starts, ends, common, biases, own, layers, ranks, ownRanks } = layersOf(call);
  const [rows, , outs] = sizes;
  const ys = layers.map((i) => backend.output([...x.shape.slice(0, 2), outs[i]]));
  const hiddens = layers.map((i) =>
    backend.output([starts.reduce((sum, start, c) => sum + (ends[c] - start) * ownRanks[i][c], rows * ranks[i])]),
  );
  const f32 = (tensors: readonly TensorInfo[]): Float32Array[] => tensors.map((tensor) => backend.f32(tensor));
  const values = [f32(common), f32(biases), f32(own), f32(ys), f32(hiddens)] as const;
  backend.addon.groupedLowRankTogether(...sizes, backend.f32(x), ...values);
  return [...ys, ...hiddens];
}

function togetherGrad(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const { sizes, common, biases, own, layers, ranks, ownRanks } = layersOf(call);
  const f32 = (tensors: readonly TensorInfo[]): Float32Array[] => tensors.map((tensor) => backend.f32(tensor));
  const like = (tensors: readonly TensorInfo[]): TensorInfo[] => tensors.map(({ shape }) => backend.output(shape));
  const outputs = [like([x]), attrs.common === false ? [] : like(common), like(biases), like(own)];
  const [[dx], dcommon, dbiases, down] = outputs.map(f32);
  const [dys, hiddens] = ['dy', 'state'].map((name) => f32(layers.map((i) => inputs[`${name}${i}`])));
  const work = backend.takeScratch(backend.addon.groupedLowRankTogetherWork(...sizes, ranks, ownRanks.flat()));
  try {
    const read = [dys, backend.f32(x), f32(common), f32(own), hiddens] as const;
    backend.addon.groupedLowRankTogetherGrad(...sizes, ...read, work, dx, dcommon, dbiases, down);
  } finally {
    backend.giveScratch(work);
  }
  return outputs.flat();
}

/** Low-rank layers of one input over a grouped batch, see `groupedLowRankTogether` of `@learngene/nn`. */
export const groupedLowRankTogetherKernels: KernelTable = {
  LearngeneGroupedLowRankTogether: together,
  LearngeneGroupedLowRankTogetherGrad: togetherGrad,
};
