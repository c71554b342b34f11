import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { AdamWState } from './adamw';
import type { AdamWEmaResult, StepAttrs } from './adamw-ema-options';
import { adamWEma } from './ops/adamw-ema';
import { flattenParams, leavesLike, type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** Settings of a parameter group, or of some of its leaves. */
export interface GroupSettings {
  /** Factor on the learning rate of the step, at least 0 (default 1). */
  readonly learningRateScale?: number;
  /** Decoupled weight decay, at least 0 (default: `weightDecay` of the step). */
  readonly weightDecay?: number;
}

/** Settings of some leaves of a group (default: those of the group). */
export interface LeafSettings extends GroupSettings {
  /** Whether the leaf of this dotted name is one of them. */
  readonly includes: (name: string) => boolean;
}

/** Parameters with their own step count and settings, as an entry of `param_groups` of a torch optimiser. */
export interface ParameterGroup<P extends ParamTree = ParamTree> extends GroupSettings {
  /** What errors call the group, such as 'tailors.cat' (default `groups[i]`). */
  readonly name?: string;
  /** Parameters before the step; not disposed. */
  readonly params: P;
  /** Gradients of the parameters' shape; not disposed. A group without gradients is skipped. */
  readonly grads?: P;
  /** State before the step; not disposed. Its `step` counts the steps in which the group had gradients. */
  readonly state: AdamWState<P>;
  /** Moving average of the parameters before the step; not disposed. */
  readonly ema: P;
  /** Leaves whose settings differ from those of the group. The first entry that includes a leaf applies. */
  readonly leaves?: readonly LeafSettings[];
}

/** The trees of a group after a step; `at` (such as 'groups[1].' or 'tailors.cat.') begins the name of a tree in an error. */
export function stepGroup<P extends ParamTree>(
  group: ParameterGroup<P>,
  { attrs, norm, at = '' }: { attrs: StepAttrs; norm: Scalar | undefined; at?: string },
): AdamWEmaResult<P> {
  const { params, grads, state, ema } = group;
  if (grads === undefined) return { params, state, ema };
  const step = state.step + 1;
  const before = {
    params: paramLeaves(params),
    grads: leavesLike(params, grads, `${at}grads`),
    m: leavesLike(params, state.m, `${at}state.m`),
    v: leavesLike(params, state.v, `${at}state.v`),
    ema: leavesLike(params, ema, `${at}ema`),
  };
  const after: Record<'params' | 'm' | 'v' | 'ema', Tensor[]> = { params: [], m: [], v: [], ema: [] };
  for (const { places, ...own } of alike(group, attrs)) {
    const part = (leaves: readonly Tensor[]) => places.map((place) => leaves[place]);
    const { params: p, grads: g, m, v, ema: e } = before;
    const leaves = { params: part(p), grads: part(g), m: part(m), v: part(v), ema: part(e), ...(norm && { norm }) };
    const result = adamWEma(leaves, { ...attrs, ...own, step });
    for (const tree of ['params', 'm', 'v', 'ema'] as const) {
      for (const [i, place] of places.entries()) after[tree][place] = result[tree][i];
    }
  }
  return {
    params: replaceLeaves(params, after.params),
    state: { step, m: replaceLeaves(params, after.m), v: replaceLeaves(params, after.v) },
    ema: replaceLeaves(params, after.ema),
  };
}

/** Places of the leaves that are stepped at one learning rate and weight decay. */
interface Alike {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly places: number[];
}

/** The leaves of a group by learning rate and weight decay. */
function alike({ params, leaves = [], ...group }: ParameterGroup, attrs: StepAttrs): Alike[] {
  const parts = new Map<string, Alike>();
  // Without `leaves` the names do not matter, and a step has thousands of them.
  const names = leaves.length > 0 ? [...flattenParams(params).keys()] : paramLeaves(params).map(() => '');
  for (const [place, name] of names.entries()) {
    const own = leaves.find(({ includes }) => includes(name));
    const scale = own?.learningRateScale ?? group.learningRateScale ?? 1;
    const weightDecay = own?.weightDecay ?? group.weightDecay ?? attrs.weightDecay;
    const key = `${scale} ${weightDecay}`;
    const part = parts.get(key);
    if (part) part.places.push(place);
    else parts.set(key, { learningRate: attrs.learningRate * scale, weightDecay, places: [place] });
  }
  return [...parts.values()];
}
