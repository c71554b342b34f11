import { customOp, hasKernel, lowRankLinear, runKernel } from '@learngene/nn';
import { applyFactored, type FactoredParams } from '@learngene/tensor-svd';
import type { NamedTensorMap, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { addDelta, type LayerSegment, mapSegments } from './segments';

/** A run of samples and the factors u [out, r], s [r], v [in, r] of what is added for them. */
export type FactorSegment = Omit<LayerSegment, 'leaves'> & {
  /** None: nothing is added. */
  readonly factors?: FactoredParams;
};

const FORWARD = 'LearngeneGatedLowRank';
const BACKWARD = 'LearngeneGatedLowRankGrad';

/**
 * ((x v) s) uᵀ + bias of common factors for all samples, and of each segment's own factors for its samples.
 *
 * A backend that has the kernels of KIND's layer (see `gatedLowRank` of @learngene/kind) runs several segments as one
 * call each way; elsewhere they are fused low-rank ops of their own, which is the specification.
 *
 * @param x - [N, T, in]; segments cover it in order.
 * @param common - none: the segments' part alone.
 * @returns [N, T, out]; undefined for nothing at all.
 */
export function groupedLowRank(
  x: Tensor3D,
  segments: readonly FactorSegment[],
  common?: FactoredParams,
): Tensor3D | undefined {
  const active = segments.filter(({ factors }) => factors);
  if (active.length > 0 && segments.length > 1 && hasKernel(FORWARD) && hasKernel(BACKWARD)) {
    return fused(x, common ?? nothing(active[0].factors!), active);
  }
  const own = mapSegments(x, segments, (rows, segment) => {
    const { factors } = segment as FactorSegment;
    return factors && lowRankLinear(rows, factors.u, factors.s, factors.v);
  }) as Tensor3D | undefined;
  return common ? addDelta(applyFactored(common, x), own) : own;
}

/** One component that is zero, in the place of common factors, which the kernel wants. */
function nothing({ u, v }: FactoredParams): FactoredParams {
  return { u: tf.zeros([u.shape[0], 1]), s: tf.zeros([1]), v: tf.zeros([v.shape[0], 1]) };
}

function fused(x: Tensor3D, { u, s, v, bias }: FactoredParams, segments: readonly FactorSegment[]): Tensor3D {
  const inputs: NamedTensorMap = { x, u, s, v, ...(bias && { bias }) };
  for (const [i, { factors }] of segments.entries()) {
    Object.assign(inputs, { [`u${i}`]: factors!.u, [`s${i}`]: factors!.s, [`v${i}`]: factors!.v });
  }
  const names = Object.keys(inputs);
  const attrs = { starts: segments.map(({ start }) => start), ends: segments.map(({ end }) => end) };
  return customOp({
    inputs,
    forward: (save) => {
      const [y, ...state] = runKernel(FORWARD, inputs, attrs);
      save([...Object.values(inputs), ...state]);
      return y;
    },
    backward: (dy, saved, isWanted) => {
      const held = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
      const state = Object.fromEntries(saved.slice(names.length).map((tensor, i) => [`state${i}`, tensor]));
      const common = ['u', 's', 'v'].some(isWanted); // the base is frozen, or none at all
      const grads = runKernel(BACKWARD, { dy, ...held, ...state }, { ...attrs, common });
      const given = common ? names : names.filter((name) => !['u', 's', 'v'].includes(name));
      return Object.fromEntries(given.map((name, i) => [name, () => grads[i]]));
    },
  }) as Tensor3D;
}
