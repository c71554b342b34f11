import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend';
import type { KernelCall, KernelTable } from '../kernel';

/** Names of leaves by letter, made once: a step may have thousands. */
const names = new Map<string, string[]>();

/** The inputs `${letter}0`, `${letter}1`, ... */
function leaves({ inputs, attrs }: KernelCall, letter: string): TensorInfo[] {
  const count = attrs.count as number;
  let named = names.get(letter);
  if (named === undefined) names.set(letter, (named = []));
  while (named.length < count) named.push(`${letter}${named.length}`);
  const list: TensorInfo[] = [];
  for (let i = 0; i < count; i++) list.push(inputs[named[i]]);
  return list;
}

/** An output in the place of a tensor that the caller gives up, where nothing else refers to its values. */
function over({ dataId, shape, dtype }: TensorInfo, backend: NativeBackend): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/** AdamW, and the moving average where the call has one; gradients are clipped where it has their norm. */
function adamW(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { learningRate, beta1, beta2, eps, weightDecay, step, decay, maxNorm } = attrs as Record<string, number>;
  const outputs: TensorInfo[] = [];
  /** The arrays of a list of inputs, and those of its outputs, which come in the order of the calls. */
  const slots = (letter: string): [old: Float32Array[], now: Float32Array[]] => {
    const old: Float32Array[] = [];
    const now: Float32Array[] = [];
    for (const tensor of leaves(call, letter)) {
      const values = backend.f32(tensor);
      const inPlace = attrs.donate === true && backend.isSole(tensor);
      const output = inPlace ? over(tensor, backend) : backend.output(tensor.shape);
      outputs.push(output);
      old.push(values);
      now.push(inPlace ? values : backend.f32(output));
    }
    return [old, now];
  };
  const g = leaves(call, 'g').map((tensor) => backend.f32(tensor));
  const [p, p1] = slots('p');
  const [m, m1] = slots('m');
  const [v, v1] = slots('v');
  const [e, e1] = decay === undefined ? [[], []] : slots('e');
  const clip = inputs.norm ? Math.min(1, maxNorm / (backend.f32(inputs.norm)[0] + 1e-6)) : 1;
  const scalars = [learningRate, beta1, beta2, eps, weightDecay, step];
  backend.addon.adamw(scalars, clip, decay ?? 0, p, g, m, v, e, p1, m1, v1, e1);
  return outputs;
}

function ema(call: KernelCall): TensorInfo[] {
  const { attrs, backend } = call;
  const values = (list: readonly TensorInfo[]) => list.map((tensor) => backend.f32(tensor));
  const before = leaves(call, 'e');
  const after = before.map(({ shape }) => backend.output(shape));
  backend.addon.ema(attrs.decay as number, values(before), values(leaves(call, 'p')), values(after));
  return after;
}

function globalSquaredNorm(call: KernelCall): TensorInfo {
  const { backend } = call;
  const sum = backend.output([]);
  backend.f32(sum)[0] = backend.addon.globalSquaredNorm(leaves(call, 'x').map((tensor) => backend.f32(tensor)));
  return sum;
}

/** The optimiser's kernels, as docs/kernels.md of `@learngene/nn` lists them. */
export const optimizerKernels: KernelTable = {
  LearngeneAdamW: adamW,
  LearngeneAdamWEma: adamW,
  LearngeneEma: ema,
  LearngeneGlobalSquaredNorm: globalSquaredNorm,
};
