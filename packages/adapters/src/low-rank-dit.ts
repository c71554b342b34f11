import {
  type ApplyLinear,
  applyDit,
  blockLinearNames,
  type DitBaseParams,
  type DitConfig,
  type DitInputs,
  type DitParams,
  initDit,
  linearShape,
} from '@learngene/dit';
import {
  cloneParams,
  type Epilogue,
  groupedLowRank,
  groupedLowRankTogether,
  type LinearParams,
  type ParamTree,
  prefetch,
  readingBack,
  type TogetherLayer,
} from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { type FactoredParams, factorDense, initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount } from './core/checks';
import { type Leaves, mainLayers, overlay, subTree } from './core/trees';
import { largestRank } from './methods/rank';

/** A DiT whose main layers are factors u [out, r], s [r], v [in, r] and a bias, in the place of weights. */
export type LowRankDitParams = DitBaseParams & {
  /** Label embedding. */
  readonly label: {
    /** [classes + 1, D]. */
    readonly table: tf.Tensor2D;
  };
};

/**
 * Fresh parameters of a plain low-rank DiT, f32, owned by the caller. It is KIND without tailors and gate: the control
 * for KIND's pre-training. Main layers start with random orthonormal u and v and equal s of Xavier's energy, as
 * learngenes do (see `initKind` of @learngene/kind); all other parameters start as in `initDit`.
 *
 * @throws on a rank out of range
 */
export function initLowRankDit(g: Generator, dit: DitConfig, { rank }: { readonly rank: number }): LowRankDitParams {
  checkCount('rank', rank, largestRank(dit));
  return tf.tidy(() => {
    const dense = initDit(g, dit);
    return withFactors(dense, dit, (name) => {
      const { in: inputs, out } = linearShape(dit, name);
      const { u, v, bias } = initFactored(g, { in: inputs, out, rank, init: 'orthogonal' });
      const fanOut = /attn\.[qkv]$/.test(name) ? 3 * out : out; // q, k and v are thirds of one matrix
      const s = tf.fill<tf.Rank.R1>([rank], Math.sqrt((2 * inputs * out) / ((inputs + fanOut) * rank)));
      return { u, s, v, bias };
    });
  });
}

/**
 * A trained dense DiT with its main weights cut to `rank` singular components (Eckart & Young 1936); the rest is
 * cloned. Reads weights back.
 *
 * @param dense - never disposed.
 * @returns parameters that the caller owns.
 * @throws on a rank out of range; `ReadBackError` on WebGPU, which reads asynchronously
 */
export function lowRankFromDense(
  dense: DitParams,
  dit: DitConfig,
  { rank }: { readonly rank: number },
): LowRankDitParams {
  checkCount('rank', rank, largestRank(dit));
  const factors = (name: string) => factorDense(subTree<LinearParams>(dense, name)!, { rank });
  return readingBack('lowRankFromDense', () => tf.tidy(() => withFactors(dense, dit, factors)));
}

/** {@link lowRankFromDense} on every engine. It waits until the weights are read back. */
export async function lowRankFromDenseAsync(
  dense: DitParams,
  dit: DitConfig,
  options: { readonly rank: number },
): Promise<LowRankDitParams> {
  checkCount('rank', options.rank, largestRank(dit));
  await prefetch(...blockLinearNames(dit).map((name) => subTree<LinearParams>(dense, name)!.weight));
  return lowRankFromDense(dense, dit, options);
}

/**
 * A plain low-rank DiT applied to a batch, see `applyDit`; for its pre-training, sampling and as the base of tailors.
 *
 * @returns f32 [N, H, W, Cout], owned by the caller.
 */
export function applyLowRankDit(
  params: LowRankDitParams,
  inputs: DitInputs,
  { config }: { readonly config: DitConfig },
): tf.Tensor4D {
  return applyDit(params, inputs, { config, linear: factoredLinear });
}

/** Factored layers with their epilogues, in one kernel where the backend has it; queries, keys and values in another. */
const factoredLinear: ApplyLinear = Object.assign(
  (layer: ParamTree, x: tf.Tensor3D, _name: string, epilogue: Epilogue | undefined) =>
    groupedLowRank(x, { ...factoredLayer(layer), epilogue }),
  {
    together: (layers: readonly ParamTree[], x: tf.Tensor3D) => groupedLowRankTogether(x, layers.map(factoredLayer)),
  },
);

function factoredLayer(layer: ParamTree): TogetherLayer {
  return { common: layer as FactoredParams, segments: [] };
}

function withFactors(dense: DitParams, dit: DitConfig, factors: (name: string) => FactoredParams): LowRankDitParams {
  const { blocks, ...frame } = dense as DitParams & ParamTree;
  const adaln = Object.fromEntries(Object.entries(blocks).map(([i, block]) => [i, { adaln: block.adaln }]));
  const kept = cloneParams({ ...frame, blocks: adaln } as ParamTree);
  return overlay(
    kept,
    mainLayers(dit, (name) => factors(name) as Leaves),
  ) as LowRankDitParams;
}
