import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend';
import type { KernelCall, KernelTable } from '../kernel';

/** The inputs `${letter}0`, `${letter}1`, ... */
function leaves({ inputs, attrs }: KernelCall, letter: string): TensorInfo[] {
  return Array.from({ length: attrs.count as number }, (_, i) => inputs[`${letter}${i}`]);
}

/** An output in the place of a tensor that the caller gives up, where nothing else refers to its values. */
function over(tensor: TensorInfo, backend: NativeBackend): TensorInfo {
  if (!backend.isSole(tensor)) return backend.output(tensor.shape);
  backend.incRef(tensor.dataId);
  return { ...tensor };
}

/** AdamW, and the moving average where the call has one; gradients are clipped where it has their norm. */
function adamW(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const values = (list: readonly TensorInfo[]) => list.map((tensor) => backend.f32(tensor));
  const { learningRate, beta1, beta2, eps, weightDecay, step, decay, maxNorm } = attrs as Record<string, number>;
  const averaged = decay !== undefined;
  const before = ['p', 'g', 'm', 'v', ...(averaged ? ['e'] : [])].map((letter) => leaves(call, letter));
  const after = before
    .filter((_, list) => list !== 1) // all but the gradients
    .map((list) => list.map((tensor) => (attrs.reuse === true ? over(tensor, backend) : backend.output(tensor.shape))));
  const clip = inputs.norm ? Math.min(1, maxNorm / (backend.f32(inputs.norm)[0] + 1e-6)) : 1;
  const [p, g, m, v, e = []] = before.map(values);
  const [p1, m1, v1, e1 = []] = after.map(values);
  const scalars = [learningRate, beta1, beta2, eps, weightDecay, step];
  backend.addon.adamw(scalars, clip, decay ?? 0, p, g, m, v, e, p1, m1, v1, e1);
  return after.flat();
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
