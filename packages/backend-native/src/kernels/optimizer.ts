import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelCall, KernelTable } from '../kernel';

/** The list of leaves under a letter. */
function leaves({ inputs }: KernelCall, letter: string): readonly TensorInfo[] {
  return (inputs as unknown as Record<string, readonly TensorInfo[]>)[letter];
}

/**
 * AdamW, and the moving average where the call has one; gradients are clipped where it has their norm. Where the caller
 * gives up a tensor and nothing else refers to its values, they are written over and the tensor itself is returned.
 */
function adamW(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { addon } = backend;
  const { learningRate, beta1, beta2, eps, weightDecay, step, decay, maxNorm } = attrs as Record<string, number>;
  const letters = decay === undefined ? ['p', 'm', 'v'] : ['p', 'm', 'v', 'e'];
  const before = letters.map((letter) => leaves(call, letter));
  const after = before.map((list) =>
    list.map((tensor) => (attrs.donate === true && backend.isSole(tensor) ? tensor : backend.output(tensor.shape))),
  );
  // Leaves that were read or loaded are replaced here: a copy would be for nothing.
  const values = (list: readonly TensorInfo[] = []) => list.map((tensor) => backend.f32Uncopied(tensor));
  const norm = inputs.norm ? backend.f32(inputs.norm) : undefined;
  const scalars = [learningRate, beta1, beta2, eps, weightDecay, step, maxNorm ?? 0];
  const [p, m, v, e] = [before[0], before[1], before[2], before[3]].map(values);
  const g = values(leaves(call, 'g'));
  const over = after.every((list, k) => list.every((tensor, i) => tensor === before[k][i]));
  if (over) addon.adamwInPlace(scalars, norm, decay ?? 0, p, g, m, v, e);
  else {
    const [p1, m1, v1, e1] = [after[0], after[1], after[2], after[3]].map(values);
    addon.adamw(scalars, norm, decay ?? 0, p, g, m, v, e, p1, m1, v1, e1);
  }
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
  const values = leaves(call, 'x').map((tensor) => backend.f32Uncopied(tensor));
  backend.addon.globalSquaredNorm(values, backend.f32(sum));
  return sum;
}

/** The optimiser's kernels, as docs/kernels.md of `@learngene/nn` lists them. */
export const optimizerKernels: KernelTable = {
  LearngeneAdamW: adamW,
  LearngeneAdamWEma: adamW,
  LearngeneEma: ema,
  LearngeneGlobalSquaredNorm: globalSquaredNorm,
};
