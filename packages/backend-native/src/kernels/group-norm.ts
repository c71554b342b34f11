import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelCall, KernelTable } from '../kernel';

/** The activations in the order of their numbers. */
const ACTIVATIONS = ['linear', 'relu', 'silu'];

interface Attrs {
  readonly groups: number;
  readonly eps: number;
  readonly activation: string;
}

function activationOf({ activation }: Attrs): number {
  const number = ACTIVATIONS.indexOf(activation);
  if (number < 0) throw new Error(`activation: expected one of ${ACTIVATIONS.join(', ')}, got '${activation}'`);
  return number;
}

/** {x [N, ..., C], weight [C], bias [C]}, {groups, eps, activation} -> [y [N, ..., C], mean [N, G], 1/std [N, G]]. */
function groupNorm({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { x, weight, bias } = inputs;
  const given = attrs as unknown as Attrs;
  const { groups, eps } = given;
  const activation = activationOf(given);
  const [batch] = x.shape;
  const outputs = [backend.output(x.shape), backend.output([batch, groups]), backend.output([batch, groups])];
  const [y, mean, rstd] = outputs.map((output) => backend.f32(output));
  const values = [backend.f32(x), backend.f32(weight), backend.f32(bias)] as const;
  backend.addon.groupNorm(...values, y, mean, rstd, batch, groups, eps, activation);
  return outputs;
}

/** {dy, x [N, ..., C], weight, bias [C], mean, 1/std}, {groups, eps, activation} -> [dx [N, ..., C], dweight, dbias]. */
function groupNormGrad({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { dy, x, weight, bias, state0: mean, state1: rstd } = inputs;
  const given = attrs as unknown as Attrs;
  const activation = activationOf(given);
  const outputs = [backend.output(x.shape), backend.output(weight.shape), backend.output(bias.shape)];
  const [dx, dweight, dbias] = outputs.map((output) => backend.f32(output));
  const values = [backend.f32(x), backend.f32(dy), backend.f32(weight), backend.f32(bias)] as const;
  const statistics = [backend.f32(mean), backend.f32(rstd)] as const;
  backend.addon.groupNormGrad(...values, ...statistics, dx, dweight, dbias, x.shape[0], given.groups, activation);
  return outputs;
}

/** Group normalisation with what follows it, as `@learngene/nn` asks for it. */
export const groupNormKernels: KernelTable = {
  LearngeneGroupNorm: groupNorm,
  LearngeneGroupNormGrad: groupNormGrad,
};
