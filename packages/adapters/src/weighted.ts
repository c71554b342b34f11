import type { DitConfig } from '@learngene/dit';
import { dims, type ParamTree, sumTensors } from '@learngene/nn';
import { type FactoredParams, orthogonalizeFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkOneOf } from './checks';
import { type LoraConfig, scalingOf } from './methods/lora';
import { type Leaves, mainLayers, subTree } from './trees';

/**
 * How updates B_i A_i with weights w_i become one, as PEFT's `add_weighted_adapter`. 'cat': exact, ranks add up.
 * 'svd': the best approximation of the sum of a given rank (Eckart & Young 1936), exact from the sum of the ranks on.
 * 'linear': A = sum sign(w_i) sqrt|w_i| A_i and B = sum sqrt|w_i| B_i, ranks equal; cheap, and with several adapters not
 * the sum of their updates.
 */
export type Combination = 'svd' | 'linear' | 'cat';

/** Options of {@link combineTailors} and {@link combineLoras}. */
export type CombineOptions = {
  /** The architecture that the adapters are for. */
  readonly dit: DitConfig;
  /** A factor for each adapter; may be negative. */
  readonly weights: readonly number[];
  /** Default 'svd'. */
  readonly combination?: Combination;
  /** Rank of 'svd' (default: the largest of the adapters'). */
  readonly rank?: number;
};

/** A LoRA adapter of one group. */
export type LoraAdapter = {
  /** Its rank and scaling. */
  readonly config: LoraConfig;
  /** Leaves a [in, r] and b [out, r] of every main layer. */
  readonly layers: ParamTree;
};

/**
 * The weighted sum of tailors as one set of tailors: sum w_i u_i diag(s_i) v_iᵀ, layer by layer.
 *
 * @param adapters - trees with u [out, r], s [r], v [in, r] of every main layer: `layers` of the methods 'low-rank' and
 *   'svd-cut', or a group of a KIND model. Never disposed.
 * @returns a tree of the same form that the caller owns; s is 1 except after 'svd'. 'svd' reads back (`dataSync`).
 *   Throws when numbers or shapes differ, or on a rank out of range.
 */
export function combineTailors(adapters: readonly ParamTree[], options: CombineOptions): ParamTree {
  const { dit } = options;
  checkWeights(adapters, options);
  return tf.tidy(() =>
    mainLayers(dit, (name) => {
      const layers = adapters.map((tree, i) => layerAt(tree, name, { adapter: i, leaves: ['u', 's', 'v'] }));
      const updates = layers.map(({ u, s, v }) => ({ a: v as tf.Tensor2D, b: tf.mul<tf.Tensor2D>(u, s) }));
      const { u, s, v } = combine(updates, options.weights, options);
      return { u, s, v };
    }),
  );
}

/**
 * The weighted sum of LoRA adapters as one LoRA adapter, layer by layer; equal to PEFT's.
 *
 * @param adapters - never disposed.
 * @returns an adapter with a scaling of 1 whose tensors the caller owns. 'svd' reads back (`dataSync`). Throws when
 *   numbers or shapes differ, or on a rank out of range.
 */
export function combineLoras(adapters: readonly LoraAdapter[], options: CombineOptions): LoraAdapter {
  const { dit } = options;
  checkWeights(adapters, options);
  for (const [i, { config }] of adapters.entries()) {
    if (config.layers) throw new Error(`adapters[${i}]: expected one rank and alpha in all layers, got config.layers`);
  }
  const weights = options.weights.map((weight, i) => weight * scalingOf(adapters[i].config));
  let rank = 0;
  const layers = tf.tidy(() =>
    mainLayers(dit, (name) => {
      const updates = adapters.map(({ layers }, i) => {
        const { a, b } = layerAt(layers, name, { adapter: i, leaves: ['a', 'b'] });
        return { a: a as tf.Tensor2D, b: b as tf.Tensor2D };
      });
      const { u, s, v } = combine(updates, weights, options);
      rank = s.size;
      return { a: v, b: tf.mul(u, s) };
    }),
  );
  return { config: { method: 'lora', rank, alpha: rank, rsLora: false }, layers };
}

type Update = { readonly a: tf.Tensor2D; readonly b: tf.Tensor2D };

/** sum w_i b_i a_iᵀ as u diag(s) vᵀ. */
function combine(
  updates: readonly Update[],
  weights: readonly number[],
  { combination = 'svd', rank }: CombineOptions,
): FactoredParams {
  const ranks = updates.map(({ a }) => a.shape[1]);
  const ones = (r: number) => tf.ones<tf.Rank.R1>([r]);
  const catenated = () => ({
    u: tf.concat(
      updates.map(({ b }) => b),
      1,
    ),
    s: ones(ranks.reduce((sum, r) => sum + r, 0)),
    v: tf.concat(
      updates.map(({ a }, i) => tf.mul<tf.Tensor2D>(a, weights[i])),
      1,
    ),
  });
  switch (combination) {
    case 'cat':
      return catenated();
    case 'linear': {
      if (new Set(ranks).size > 1)
        throw new Error(`adapters: expected equal ranks for 'linear', got ${ranks.join(', ')}`);
      const root = weights.map((weight) => Math.sqrt(Math.abs(weight)));
      const v = sumTensors(updates.map(({ a }, i) => tf.mul<tf.Tensor2D>(a, Math.sign(weights[i]) * root[i])));
      return { u: sumTensors(updates.map(({ b }, i) => tf.mul<tf.Tensor2D>(b, root[i]))), s: ones(ranks[0]), v };
    }
    case 'svd':
      return orthogonalizeFactored(catenated(), { rank: rank ?? Math.max(...ranks) });
  }
}

function checkWeights(adapters: readonly unknown[], { weights, combination = 'svd', rank }: CombineOptions): void {
  if (adapters.length === 0) throw new Error('adapters: expected at least one, got none');
  if (weights.length !== adapters.length) {
    throw new Error(`weights: expected ${adapters.length}, one an adapter, got ${weights.length}`);
  }
  for (const weight of weights) {
    if (!Number.isFinite(weight)) throw new Error(`weights: expected finite numbers, got ${weight}`);
  }
  checkOneOf('combination', combination, ['svd', 'linear', 'cat']);
  if (rank !== undefined) checkCount('rank', rank);
  if (rank !== undefined && combination !== 'svd') {
    throw new Error(`rank: expected none with '${combination}', whose rank follows from the adapters'`);
  }
}

function layerAt(tree: ParamTree, name: string, wanted: { adapter: number; leaves: readonly string[] }): Leaves {
  const layer = subTree<Leaves>(tree, name) ?? {};
  for (const leaf of wanted.leaves) {
    if (!layer[leaf]) throw new Error(`adapters[${wanted.adapter}]: expected ${name}.${leaf}, got none`);
  }
  const [left, right] = wanted.leaves.length === 2 ? ['a', 'b'] : ['v', 'u'];
  const { r } = dims(`adapters[${wanted.adapter}]: ${name}.${left}`, layer[left], 'in r');
  dims(`adapters[${wanted.adapter}]: ${name}.${right}`, layer[right], `out ${r}`);
  return layer;
}
