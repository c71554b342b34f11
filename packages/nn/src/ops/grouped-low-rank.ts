import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel, stateInputs } from './custom-op';
import { applyEpilogue, type Epilogue, epilogueGrads, hasEpilogueGrads } from './epilogue';
import { groupedBackward, groupedForward } from './grouped-low-rank-composite';
import { lowRankLinear } from './low-rank-linear';

/** The factors of a weight u diag(s) vᵀ of rank r. */
export type LowRankFactors = Readonly<{
  /** float32 [out, r]. */
  u: Tensor2D;
  /** float32 [r]. */
  s: Tensor1D;
  /** float32 [in, r]. */
  v: Tensor2D;
}>;

/** A run of samples and the factors that they alone use. */
export interface LowRankSegment {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** Factors of these samples; segments may differ in rank. */
  readonly factors: LowRankFactors;
}

/** The parameters of {@link groupedLowRank}. */
export interface GroupedLowRank {
  /** Factors that all samples use, and the bias (default: only the factors of the segments). */
  readonly common?:
    | (LowRankFactors & {
        /** float32 [out]. */
        readonly bias?: Tensor1D;
      })
    | undefined;
  /**
   * Segments, disjoint and ascending. Samples in no segment use the common factors alone. Without common factors there
   * must be at least one segment.
   */
  readonly segments: readonly LowRankSegment[];
  /** The operation after the layer (default none), see `applyEpilogue`. */
  readonly epilogue?: Epilogue | undefined;
}

const FORWARD = 'LearngeneGroupedLowRank';
const FORWARD_EPILOGUE = 'LearngeneGroupedLowRankEpilogue';
const BACKWARD = 'LearngeneGroupedLowRankGrad';

/**
 * A linear layer over a batch whose samples are grouped: y = U (s * (Vᵀ x)) + U_g (s_g * (V_gᵀ x)) + bias. The second term
 * has the factors of the sample's segment. No weight is formed, and no sample pays for factors that it does not use.
 *
 * This is one op with its own gradient. A backend may register three kernels for it; without them the op is computed by
 * the composite of tfjs ops, which is its specification. All kernels take the inputs x, u, s, v, [bias], u0, s0, v0, u1, ...
 * and the attributes `starts` and `ends` (samples):
 * - 'LearngeneGroupedLowRank' returns y, then any state.
 * - 'LearngeneGroupedLowRankEpilogue' also takes stream and gate after bias (for x + gate y) and the attribute `keep`. It returns
 *   the result of the epilogue and, where `keep` is true, y and any state.
 * - 'LearngeneGroupedLowRankGrad' also takes dy and the state. It returns the gradients in the order of the inputs,
 *   without those of u, s and v where its attribute `common` is false.
 *
 * @param x float32 [N, T, in].
 * @returns [N, T, out]; the caller owns it.
 * @throws Error if shapes do not go together, segments overlap, or there are no factors at all.
 */
export function groupedLowRank(x: Tensor3D, layer: GroupedLowRank): Tensor3D {
  const { common, segments, epilogue } = layer;
  if (!common && segments.length === 0)
    throw new Error('segments: expected at least one without common factors, got none');
  if (epilogue === undefined) {
    // The factors of a single group are a plain low-rank layer.
    const [first] = segments;
    const alone = !common && first.start === 0 && first.end === x.shape[0];
    return alone ? plainLayer(x, first) : tf.tidy(() => layerOp(x, layer));
  }
  const fused = hasKernel(FORWARD_EPILOGUE) && hasKernel(BACKWARD) && hasEpilogueGrads();
  return tf.tidy(() =>
    fused ? layerWithEpilogue(x, layer, epilogue) : applyEpilogue(groupedLowRank(x, { common, segments }), epilogue),
  );
}

function plainLayer(x: Tensor3D, { factors: { u, s, v } }: LowRankSegment): Tensor3D {
  return lowRankLinear(x, u, s, v) as Tensor3D;
}

function layerOp(x: Tensor3D, layer: GroupedLowRank): Tensor3D {
  const fused = hasKernel(FORWARD);
  const { inputs, attrs, spans, shape } = callOf(x, layer, fused);
  return customOp({
    inputs,
    forward: (save) => {
      if (fused) {
        const [y, ...state] = runKernel(FORWARD, inputs, attrs);
        save([...Object.values(inputs), ...state]);
        return y;
      }
      const own = layer.segments.map(({ factors }) => factors);
      const { y, hidden } = groupedForward(tf.reshape(x, [-1, x.shape[2]]), { common: layer.common, own, spans });
      save([...Object.values(inputs), ...hidden]);
      return tf.reshape(y, shape);
    },
    backward: (dy, saved, needsInputGrad) => {
      if (hasKernel(BACKWARD)) return kernelGrads(dy, { inputs, attrs, saved, needsInputGrad });
      const names = Object.keys(inputs);
      const held = namedAs(names, saved);
      return groupedBackward(dy, held, { hidden: saved.slice(names.length), spans });
    },
  }) as Tensor3D;
}

/** The layer and its epilogue in one kernel. */
function layerWithEpilogue(x: Tensor3D, layer: GroupedLowRank, epilogue: Epilogue): Tensor3D {
  const { inputs, attrs, shape } = callOf(x, layer, true);
  const residual: NamedTensorMap = {};
  if (epilogue !== 'gelu') {
    dims('epilogue.x', epilogue.x, shape.join(' '));
    dims('epilogue.gate', epilogue.gate, `${shape[0]} ${shape[2]}`);
    Object.assign(residual, { stream: epilogue.x, gate: epilogue.gate });
  }
  return customOp({
    inputs: { ...inputs, ...residual },
    forward: (save, taped) => {
      const all = { ...inputs, ...residual };
      const [result, y, ...state] = runKernel(FORWARD_EPILOGUE, all, { ...attrs, keep: taped });
      if (taped) save([y, ...(epilogue === 'gelu' ? [] : [epilogue.gate]), ...Object.values(inputs), ...state]);
      return result;
    },
    backward: (dy, [y, ...saved], needsInputGrad) => {
      const gate = epilogue === 'gelu' ? undefined : saved.shift();
      const grads = epilogueGrads(dy, { y, gate });
      const layerGrads = kernelGrads(grads.y, { inputs, attrs, saved, needsInputGrad });
      return { ...layerGrads, stream: dy, gate: grads.gate as Tensor };
    },
  }) as Tensor3D;
}

const names: { readonly u: string; readonly s: string; readonly v: string }[] = [];

/** What the factors of a segment are called. The names are kept: a step asks for hundreds of them. */
function ownNames(i: number): (typeof names)[number] {
  return (names[i] ??= { u: `u${i}`, s: `s${i}`, v: `v${i}` });
}

/** What the kernels are told. A `kernel` always takes common factors: where there are none, zeros stand for them. */
export function callOf(x: Tensor3D, { common, segments }: GroupedLowRank, kernel: boolean) {
  const { u, s, v } = common ?? segments[0].factors;
  const { out, r } = dims('u', u, 'out r');
  dims('s', s, `${r}`);
  const width = dims('v', v, `in ${r}`).in;
  const { N, T } = dims('x', x, `N T ${width}`);
  const bias = common?.bias;
  if (bias) dims('bias', bias, `${out}`);
  checkSegments(segments, { N, out, width });
  const shared = common ? { u, s, v } : kernel ? zeroFactors(out, width) : undefined;
  const inputs: NamedTensorMap = { x, ...shared, ...(bias && { bias }) };
  for (const [i, { factors }] of segments.entries()) {
    const own = ownNames(i);
    inputs[own.u] = factors.u;
    inputs[own.s] = factors.s;
    inputs[own.v] = factors.v;
  }
  const spans = segments.map(({ start, end }) => ({ start: start * T, end: end * T }));
  const attrs = { starts: segments.map((segment) => segment.start), ends: segments.map((segment) => segment.end) };
  return { inputs, attrs, spans, shape: [N, T, out] as [number, number, number] };
}

/** One component that is zero. */
function zeroFactors(out: number, width: number): LowRankFactors {
  return { u: tf.zeros([out, 1]), s: tf.zeros([1]), v: tf.zeros([width, 1]) };
}

interface GradCall {
  inputs: NamedTensorMap;
  attrs: { starts: number[]; ends: number[] };
  saved: readonly Tensor[];
  needsInputGrad: (name: string) => boolean;
}

/** The gradients by the backend's kernel, from what was saved: the inputs, then the state. */
function kernelGrads(dy: Tensor, { inputs, attrs, saved, needsInputGrad }: GradCall): NamedTensorMap {
  const names = Object.keys(inputs);
  const common = ['u', 's', 'v'].some(needsInputGrad); // false where the common factors are frozen, or there are none
  const held = Object.assign(namedAs(names, saved, { dy }), stateInputs(saved.slice(names.length)));
  const grads = runKernel(BACKWARD, held, { ...attrs, common });
  return namedAs(common ? names : names.filter((name) => name !== 'u' && name !== 's' && name !== 'v'), grads);
}

function namedAs(names: readonly string[], tensors: readonly Tensor[], named: NamedTensorMap = {}): NamedTensorMap {
  for (let i = 0; i < names.length; i++) named[names[i]] = tensors[i];
  return named;
}

function checkSegments(
  segments: readonly LowRankSegment[],
  { N, out, width }: { N: number; out: number; width: number },
): void {
  let last = 0;
  for (const [i, { start, end, factors }] of segments.entries()) {
    if (!(start >= last && start < end && end <= N)) {
      throw new Error(`segments[${i}]: expected a run within [${last}, ${N}), got [${start}, ${end})`);
    }
    last = end;
    if (fits(factors, out, width)) continue;
    const { r } = dims(`segments[${i}].u`, factors.u, `${out} r`);
    dims(`segments[${i}].s`, factors.s, `${r}`);
    dims(`segments[${i}].v`, factors.v, `${width} ${r}`);
  }
}

/** Whether factors have the shapes of a layer. */
function fits({ u, s, v }: LowRankFactors, out: number, width: number): boolean {
  const [rows, r] = u.shape;
  const ranks = u.rank === 2 && s.rank === 1 && v.rank === 2;
  return ranks && rows === out && s.shape[0] === r && v.shape[0] === width && v.shape[1] === r;
}
