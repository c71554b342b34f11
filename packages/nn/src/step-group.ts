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
  const [first, ...others] = alike(group, attrs);
  const after =
    others.length === 0
      ? adamWEma({ ...before, norm }, { ...attrs, ...first.rates, step })
      : inParts([first, ...others], before, (leaves, rates) =>
          adamWEma({ ...leaves, norm }, { ...attrs, ...rates, step }),
        );
  return {
    params: withLeaves(params, before.params, after.params),
    state: { step, m: withLeaves(state.m, before.m, after.m), v: withLeaves(state.v, before.v, after.v) },
    ema: withLeaves(ema, before.ema, after.ema),
  };

  /** The tree itself where a step wrote over the values of all its leaves. */
  function withLeaves(tree: P, old: readonly Tensor[], now: readonly Tensor[]): P {
    return now.every((leaf, i) => leaf === old[i]) ? tree : replaceLeaves(params, now);
  }
}

type Trees = 'params' | 'm' | 'v' | 'ema';

/** Steps the leaves of every part, and puts the results in the places of the leaves. */
function inParts(
  parts: readonly Alike[],
  before: Record<Trees | 'grads', readonly Tensor[]>,
  step: (leaves: typeof before, rates: Alike['rates']) => Record<Trees, readonly Tensor[]>,
): Record<Trees, Tensor[]> {
  const after: Record<Trees, Tensor[]> = { params: [], m: [], v: [], ema: [] };
  for (const { places, rates } of parts) {
    const part = (leaves: readonly Tensor[]) => places.map((place) => leaves[place]);
    const { params, grads, m, v, ema } = before;
    const own = { params: part(params), grads: part(grads), m: part(m), v: part(v), ema: part(ema) };
    const result = step(own, rates);
    for (const tree of ['params', 'm', 'v', 'ema'] as const) {
      for (const [i, place] of places.entries()) after[tree][place] = result[tree][i];
    }
  }
  return after;
}

/** Leaves that are stepped at one learning rate and weight decay. */
interface Alike {
  readonly rates: Pick<StepAttrs, 'learningRate' | 'weightDecay'>;
  /** Their places among the leaves of the group. */
  readonly places: number[];
}

/** The leaves of a group by learning rate and weight decay. */
function alike({ params, leaves = [], ...group }: ParameterGroup, attrs: StepAttrs): Alike[] {
  const ratesOf = (own: GroupSettings | undefined) => ({
    learningRate: attrs.learningRate * (own?.learningRateScale ?? group.learningRateScale ?? 1),
    weightDecay: own?.weightDecay ?? group.weightDecay ?? attrs.weightDecay,
  });
  if (leaves.length === 0) return [{ rates: ratesOf(undefined), places: [] }]; // all leaves: places do not matter
  const parts = new Map<string, Alike>();
  for (const [place, name] of [...flattenParams(params).keys()].entries()) {
    const rates = ratesOf(leaves.find(({ includes }) => includes(name)));
    const key = `${rates.learningRate} ${rates.weightDecay}`;
    const part = parts.get(key);
    if (part) part.places.push(place);
    else parts.set(key, { rates, places: [place] });
  }
  return [...parts.values()];
}
