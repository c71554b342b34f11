import type { DitConfig, LinearShape } from '@learngene/dit';
import { groupedLowRank, type LinearParams } from '@learngene/nn';
import {
  applyFactored,
  composeDense,
  concatComponents,
  type FactoredParams,
  factorDense,
  initFactored,
  orthogonalizeFactored,
} from '@learngene/tensor-svd';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { checkCount, checkFields } from '../core/checks';
import type { LayerMethod } from '../core/method';
import { addDelta } from '../core/segments';
import type { Leaves } from '../core/trees';
import { largestRank, ranks } from './rank';

/** Settings of tailors on a model that was pre-trained in plain low-rank form: KIND without its gate. */
export interface LowRankConfig {
  /** Name of the method. */
  readonly method: 'low-rank';
  /**
   * Components of every main weight that are kept. Where that is fewer than the base has, they are the leading ones of
   * its SVD.
   */
  readonly keep: number;
  /** Fresh components that a group trains: N_t of KIND. */
  readonly rank: number;
}

/** Settings of tailors on a dense model whose main weights are cut by SVD. */
export type SvdCutConfig = Omit<LowRankConfig, 'method'> & {
  /** Name of the method. */
  readonly method: 'svd-cut';
};

/** What both have in common: everything but how a layer comes to its factors. */
const tailors = {
  kind: 'layer',
  size: { field: 'rank', values: (dit: DitConfig) => ranks(dit, Math.min(dit.hiddenSize, largestRank(dit))) },
  trained: ({ in: inputs, out }: LinearShape, { rank }: { rank: number }) => ({
    u: [out, rank],
    s: [rank],
    v: [inputs, rank],
  }),
  frozen: ({ in: inputs, out }: LinearShape, { keep }: { keep: number }) => ({
    u: [out, keep],
    s: [keep],
    v: [inputs, keep],
  }),
  fresh: (_, { rank }: { rank: number }, { generator, size }): Leaves =>
    initFactored(generator, { ...size, rank, init: 'zero-output', bias: false }) as Leaves,
  apply: (x, frozen, segments): Tensor3D => {
    const common = frozen as FactoredParams;
    const own = segments.flatMap(({ start, end, leaves }) =>
      leaves ? [{ start, end, factors: leaves as FactoredParams }] : [],
    );
    if (segments.length > 1) return groupedLowRank(x, { common, segments: own });
    // A batch of one adapter: the sum of two layers, in the order that earlier trainings computed them in, for their bits.
    const delta = own.length === 0 ? undefined : groupedLowRank(x, { segments: own });
    return addDelta(applyFactored(common, x), delta);
  },
  merge: (frozen, trained): LinearParams => {
    const layers = [frozen, trained].filter((leaves) => leaves !== undefined) as FactoredParams[];
    return composeDense(concatComponents(...layers));
  },
  macs: (size: LinearShape, { keep, rank }: { keep: number; rank: number }) => (keep + rank) * (size.in + size.out),
} satisfies Partial<LayerMethod<LowRankConfig>>;

function complete<M extends 'low-rank' | 'svd-cut'>(
  method: M,
  input: { readonly keep?: number; readonly rank?: number },
  dit: DitConfig,
): { method: M; keep: number; rank: number } {
  checkFields(method, input, ['method', 'keep', 'rank']);
  const most = largestRank(dit);
  const { keep = Math.max(1, Math.floor(most / 3)), rank = Math.min(8, most) } = input;
  checkCount('keep', keep, most);
  checkCount('rank', rank, most);
  return { method, keep, rank };
}

/** A method of that kind; a call, unlike a spread at the top of a module, can be left out by bundlers. */
function tailorsMethod<C extends { readonly keep: number; readonly rank: number }>(
  own: Pick<LayerMethod<C>, 'paper' | 'base' | 'complete' | 'freeze'>,
): LayerMethod<C> {
  return { ...tailors, ...own };
}

/**
 * The control for KIND's class gate: a DiT pre-trained with all main weights as u diag(s) vᵀ and no gate (see
 * `initLowRankDit`), frozen, with tailors added for each group. Trained: u [out, r], s [r], v [in, r]; they start at
 * u = 0, s = 1, v random orthonormal, exactly as KIND's fresh tailors (KIND, arXiv 2408.07337).
 */
export const lowRankTailors: LayerMethod<LowRankConfig> = /* @__PURE__ */ tailorsMethod<LowRankConfig>({
  paper: 'KIND without a gate in pre-training; after Xie et al. 2024, arXiv 2408.07337',
  base: 'factored',
  complete: (input, dit) => complete('low-rank', input, dit),
  freeze: (layer, { keep }, { name }) => {
    const f = layer as FactoredParams;
    const rank = f.s.size;
    if (rank < keep) throw new Error(`keep: expected at most ${rank}, the rank of ${name}, got ${keep}`);
    return (rank === keep ? f : orthogonalizeFactored(f, { rank: keep })) as Leaves;
  },
});

/**
 * The second control: a dense DiT whose main weights are cut to their `keep` leading singular components (Eckart & Young
 * 1936), frozen, with tailors added as in {@link lowRankTailors}.
 */
export const svdCutTailors: LayerMethod<SvdCutConfig> = /* @__PURE__ */ tailorsMethod<SvdCutConfig>({
  paper: 'truncated SVD (Eckart & Young 1936) of a dense model, with tailors as in Xie et al. 2024, arXiv 2408.07337',
  base: 'dense',
  complete: (input, dit) => complete('svd-cut', input, dit),
  freeze: (layer, { keep }) => factorDense(layer as LinearParams, { rank: keep }) as Leaves,
});
