import type { NamedTensorMap, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel } from './custom-op';
import { gatedResidual } from './gated-residual';
import { gelu } from './gelu';
import { columnSums, linear, linearInputGrad, linearWeightGrad } from './linear';
import type { LinearParams } from './linear-layer';

/** What goes into the residual stream: x + gate branch(input). */
export interface ResidualInputs {
  /** float32 [N, T, D], the stream. */
  readonly x: Tensor3D;
  /** float32 [N, D], one factor a sample and channel. */
  readonly gate: Tensor2D;
  /** float32 [N, T, in], what the branch is computed from. */
  readonly input: Tensor3D;
}

/** Layers of {@link residualMlp}. */
export interface MlpLayers {
  /** From the input to the hidden width. */
  readonly in: LinearParams;
  /** From the hidden width to D. */
  readonly out: LinearParams;
}

/** Whether all kernels are there. They are only worth using together. */
function isFused(): boolean {
  return hasKernel('LearngeneLinearGatedResidual') && hasKernel('LearngeneLinearGelu');
}

/**
 * x + gate (input weightᵀ + bias): `gatedResidual` of `linear`, in one kernel where the backend has it.
 *
 * @returns [N, T, D]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function residualLinear({ x, gate, input }: ResidualInputs, { weight, bias }: LinearParams): Tensor3D {
  if (!isFused()) return gatedResidual(x, gate, linear(input, weight, bias) as Tensor3D);
  checkResidual({ x, gate, input }, { weight, bias });
  return customOp({
    inputs: { x, gate, input, weight, ...(bias && { bias }) } as NamedTensorMap,
    forward: (save, taped) => {
      const [out, branch] = gatedProduct({ x, gate, input }, { weight, bias }, taped);
      if (taped) save([gate, branch, input, weight]);
      return out;
    },
    backward: (dy, [gate, branch, input, weight]): Record<string, () => Tensor> => {
      const [dgate, dbranch] = runKernel('LearngeneGatedResidualGrad', { dy, gate, y: branch });
      return {
        x: () => tf.clone(dy),
        gate: () => dgate,
        input: () => linearInputGrad(dbranch, weight),
        weight: () => linearWeightGrad(dbranch, input),
        bias: () => columnSums(dbranch),
      };
    },
  }) as Tensor3D;
}

/**
 * x + gate mlp(input) with mlp = linear, GELU, linear: the second half of an adaLN-Zero block (Peebles & Xie 2023), in
 * two kernels where the backend has them. The kernel of the backward pass multiplies by the derivative of the GELU
 * while it makes the gradient.
 *
 * @returns [N, T, D]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function residualMlp({ x, gate, input }: ResidualInputs, layers: MlpLayers): Tensor3D {
  if (!isFused()) {
    const hidden = gelu(linear(input, layers.in.weight, layers.in.bias));
    return gatedResidual(x, gate, linear(hidden, layers.out.weight, layers.out.bias) as Tensor3D);
  }
  const { hidden: width } = dims('in.weight', layers.in.weight, 'hidden in');
  if (layers.in.bias) dims('in.bias', layers.in.bias, `${width}`);
  dims('input', input, `N T ${layers.in.weight.shape[1]}`);
  checkResidual({ x, gate, input }, layers.out, width);
  const biases = {
    ...(layers.in.bias && { inBias: layers.in.bias }),
    ...(layers.out.bias && { outBias: layers.out.bias }),
  };
  return customOp({
    inputs: { x, gate, input, inWeight: layers.in.weight, outWeight: layers.out.weight, ...biases } as NamedTensorMap,
    forward: (save, taped) => {
      const { weight, bias } = layers.in;
      const keep = { keep: taped };
      const [hidden, pre] = runKernel('LearngeneLinearGelu', { x: input, weight, ...(bias && { bias }) }, keep);
      const [out, branch] = gatedProduct({ x, gate, input: hidden }, layers.out, taped);
      if (taped) save([gate, branch, input, hidden, pre, weight, layers.out.weight]);
      return out;
    },
    backward: (dy, [gate, branch, input, hidden, pre, inWeight, outWeight]): Record<string, () => Tensor> => {
      const [dgate, dbranch] = runKernel('LearngeneGatedResidualGrad', { dy, gate, y: branch });
      const [dpre] = runKernel('LearngeneLinearGeluInputGrad', { dy: dbranch, weight: outWeight, pre });
      return {
        x: () => tf.clone(dy),
        gate: () => dgate,
        input: () => linearInputGrad(dpre, inWeight),
        inWeight: () => linearWeightGrad(dpre, input),
        inBias: () => columnSums(dpre),
        outWeight: () => linearWeightGrad(dbranch, hidden),
        outBias: () => columnSums(dbranch),
      };
    },
  }) as Tensor3D;
}

function gatedProduct(
  { x, gate, input }: Record<string, Tensor>,
  { weight, bias }: LinearParams,
  keep: boolean,
): Tensor[] {
  return runKernel('LearngeneLinearGatedResidual', { x, gate, input, weight, ...(bias && { bias }) }, { keep });
}

function checkResidual(
  { x, gate, input }: ResidualInputs,
  { weight, bias }: LinearParams,
  width = input.shape[2],
): void {
  const { N, T, D } = dims('x', x, 'N T D');
  dims('gate', gate, `${N} ${D}`);
  dims('weight', weight, `${D} ${width}`);
  dims('input', input, `${N} ${T} in`);
  if (bias) dims('bias', bias, `${D}`);
}
