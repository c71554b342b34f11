import {
  applyLinearEnd,
  customOp,
  dims,
  hasKernel,
  hasLinearEndGrads,
  type LinearEnd,
  linearEndGrads,
  runKernel,
} from '@learngene/nn';
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
  const { inputs, attrs, spans, shape } = gatedLayer(x, learngenes, segments);
  return customOp({
    inputs,
    forward: (save) => {
      if (hasKernel('LearngeneGatedLowRank')) {
        const [y, ...state] = runKernel('LearngeneGatedLowRank', inputs, attrs);
        save([...Object.values(inputs), ...state]);
        return y;
      }
      const tailors = segments.map((segment) => segment.tailor);
      const { y, hidden } = gatedForward(tf.reshape(x, [-1, x.shape[2]]), learngenes, { tailors, spans });
      save([...Object.values(inputs), ...hidden]);
      return tf.reshape(y, shape);
    },
    backward: (dy, saved, isWanted) => {
      if (hasKernel('LearngeneGatedLowRankGrad')) return kernelGrads(dy, { inputs, attrs, saved, isWanted });
      const names = Object.keys(inputs);
      const held: NamedTensorMap = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
      return gatedBackward(dy, held, { hidden: saved.slice(names.length), spans });
    },
  }) as Tensor3D;
}

/**
 * A gated layer and what follows it, GELU or x + gate y: {@link gatedLowRank} and `applyLinearEnd` of `@learngene/nn`. In
 * one pass where the backend has the kernel 'LearngeneGatedLowRankEnd' (as 'LearngeneGatedLowRank', with the inputs stream
 * and gate after bias for x + gate y, and the attribute keep; outputs: the result; then, where keep is true, y and any
 * state) and the gradients' kernels.
 *
 * @returns [N, T, out]; the caller owns it. Throws as `gatedLowRank`.
 */
export function gatedLowRankWithEnd(
  x: Tensor3D,
  learngenes: FactoredParams,
  segments: readonly TailorSegment[],
  end: LinearEnd,
): Tensor3D {
  const fused = hasKernel('LearngeneGatedLowRankEnd') && hasKernel('LearngeneGatedLowRankGrad') && hasLinearEndGrads();
  if (!fused) return tf.tidy(() => applyLinearEnd(gatedLowRank(x, learngenes, segments), end));
  const { inputs, attrs, shape } = gatedLayer(x, learngenes, segments);
  const residual: NamedTensorMap = {};
  if (end !== 'gelu') {
    dims('end.x', end.x, shape.join(' '));
    dims('end.gate', end.gate, `${shape[0]} ${shape[2]}`);
    Object.assign(residual, { stream: end.x, gate: end.gate });
  }
  return customOp({
    inputs: { ...inputs, ...residual },
    forward: (save, taped) => {
      const all = { ...inputs, ...residual };
      const [result, y, ...state] = runKernel('LearngeneGatedLowRankEnd', all, { ...attrs, keep: taped });
      if (taped) save([y, ...(end === 'gelu' ? [] : [end.gate]), ...Object.values(inputs), ...state]);
      return result;
    },
    backward: (dy, [y, ...saved], isWanted) => {
      const gate = end === 'gelu' ? undefined : saved.shift();
      const grads = linearEndGrads(dy, { y, gate });
      const layer = kernelGrads(grads.y, { inputs, attrs, saved, isWanted });
      return { ...layer, stream: () => tf.clone(dy), gate: () => grads.gate as Tensor };
    },
  }) as Tensor3D;
}

/** What both ops tell their kernels; throws when shapes do not go together. */
function gatedLayer(x: Tensor3D, learngenes: FactoredParams, segments: readonly TailorSegment[]) {
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
  return { inputs, attrs, spans, shape: [N, T, out] as [number, number, number] };
}

/** The gradients by the backend's kernel, from what was saved: the inputs, then the state. */
function kernelGrads(dy: Tensor, { inputs, attrs, saved, isWanted }: GradCall): Record<string, () => Tensor> {
  const names = Object.keys(inputs);
  const held: NamedTensorMap = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
  const state = Object.fromEntries(saved.slice(names.length).map((tensor, i) => [`state${i}`, tensor]));
  const common = ['u', 's', 'v'].some(isWanted); // not in a transfer: learngenes are frozen
  const grads = runKernel('LearngeneGatedLowRankGrad', { dy, ...held, ...state }, { ...attrs, common });
  const given = common ? names : names.filter((name) => !['u', 's', 'v'].includes(name));
  return Object.fromEntries(given.map((name, i) => [name, () => grads[i]]));
}

interface GradCall {
  inputs: NamedTensorMap;
  attrs: { starts: number[]; ends: number[] };
  saved: readonly Tensor[];
  isWanted: (name: string) => boolean;
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
