import { customOp, dims, hasKernel, runKernel } from '@learngene/nn';
import type { FactoredParams } from '@learngene/tensor-svd';
import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { gatedBackward, gatedForward } from './gated-composite';

/** Factors of one group's tailors in one layer. */
export type TailorFactors = {
  /** [out, N_t]. */
  readonly u: Tensor2D;
  /** [N_t]. */
  readonly s: Tensor1D;
  /** [in, N_t]. */
  readonly v: Tensor2D;
};

/** A run of samples that use one tailor. */
export type TailorSegment = {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** The tailor of these samples; each tailor has one segment at most. */
  readonly tailor: TailorFactors;
};

/**
 * A linear layer of a KIND model over a batch that is grouped by class:
 * y = U_G (s_G * (V_Gᵀ x)) + U_c (s_c * (V_cᵀ x)) + b for the samples of a segment, without the second term for samples
 * in no segment. No weight is formed, no tailor is computed for a sample that does not use it, nothing is masked.
 *
 * One fused op with a gradient of its own: a backend that registers the kernels 'LearngeneGatedLowRank' (outputs: y,
 * then any state) and 'LearngeneGatedLowRankGrad' (outputs: the gradients in the order of the inputs, without those of u,
 * s and v where its attribute common is false) is called with the inputs x, u, s, v, [bias], u0, s0, v0, u1, ... and the
 * attributes starts and ends (samples); elsewhere the composite of tfjs ops runs, which is the specification.
 *
 * @param x - [N, T, in], f32.
 * @param learngenes - u [out, N_G], s [N_G], v [in, N_G], bias [out] or none.
 * @param segments - disjoint and ascending.
 * @returns [N, T, out]; the caller owns it. Throws when shapes do not go together or segments overlap.
 */
export function gatedLowRank(x: Tensor3D, learngenes: FactoredParams, segments: readonly TailorSegment[]): Tensor3D {
  const { u, s, v, bias } = learngenes;
  const { out, r } = dims('u', u, 'out r');
  dims('s', s, `${r}`);
  const width = dims('v', v, `in ${r}`).in;
  const { N, T } = dims('x', x, `N T ${width}`);
  if (bias) dims('bias', bias, `${out}`);
  checkSegments(segments, { N, out, width });
  const inputs: NamedTensorMap = { x, u, s, v, ...(bias && { bias }) };
  for (const [i, { tailor }] of segments.entries()) {
    Object.assign(inputs, { [`u${i}`]: tailor.u, [`s${i}`]: tailor.s, [`v${i}`]: tailor.v });
  }
  const spans = segments.map(({ start, end }) => ({ start: start * T, end: end * T }));
  const attrs = { starts: segments.map((segment) => segment.start), ends: segments.map((segment) => segment.end) };
  return customOp({
    inputs,
    forward: (save) => {
      if (hasKernel('LearngeneGatedLowRank')) {
        const [y, ...state] = runKernel('LearngeneGatedLowRank', inputs, attrs);
        save([...Object.values(inputs), ...state]);
        return y;
      }
      const tailors = segments.map((segment) => segment.tailor);
      const { y, hidden } = gatedForward(tf.reshape(x, [N * T, width]), learngenes, { tailors, spans });
      save([...Object.values(inputs), ...hidden]);
      return tf.reshape(y, [N, T, out]);
    },
    backward: (dy, saved, isWanted) => {
      const names = Object.keys(inputs);
      const held: NamedTensorMap = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
      const rest = saved.slice(names.length);
      if (hasKernel('LearngeneGatedLowRankGrad')) {
        const state = Object.fromEntries(rest.map((tensor, i) => [`state${i}`, tensor]));
        const common = ['u', 's', 'v'].some(isWanted); // not in a transfer: learngenes are frozen
        const grads = runKernel('LearngeneGatedLowRankGrad', { dy, ...held, ...state }, { ...attrs, common });
        const given = common ? names : names.filter((name) => !['u', 's', 'v'].includes(name));
        return Object.fromEntries(given.map((name, i) => [name, () => grads[i]]));
      }
      return gatedBackward(dy, held, { hidden: rest, spans });
    },
  }) as Tensor3D;
}

function checkSegments(
  segments: readonly TailorSegment[],
  { N, out, width }: { N: number; out: number; width: number },
): void {
  let last = 0;
  const seen = new Set<Tensor>();
  for (const [i, { start, end, tailor }] of segments.entries()) {
    if (!(start >= last && start < end && end <= N)) {
      throw new Error(`segments[${i}]: expected a run within [${last}, ${N}), got [${start}, ${end})`);
    }
    last = end;
    const { r } = dims(`segments[${i}].u`, tailor.u, `${out} r`);
    dims(`segments[${i}].s`, tailor.s, `${r}`);
    dims(`segments[${i}].v`, tailor.v, `${width} ${r}`);
    if (seen.has(tailor.u)) throw new Error(`segments[${i}].tailor: expected one segment a tailor, got a second`);
    seen.add(tailor.u);
  }
}
