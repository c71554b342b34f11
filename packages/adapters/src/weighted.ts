import { blockLinearNames, type DitConfig } from '@learngene/dit';
import { dims, disposeParams, type ParamTree, prefetch, readingBack, sumTensors } from '@learngene/nn';
import { type FactoredParams, orthogonalizeFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkOneOf } from './core/checks';
import { type Leaves, mainLayers, subTree } from './core/trees';
import { type LoraConfig, scalingOf } from './methods/lora';

/**
 * How updates B_i A_i with weights w_i become one update, as in PEFT's `add_weighted_adapter`. 'cat': the exact sum;
 * ranks add up. 'svd': the best approximation of the sum at a given rank (Eckart & Young 1936), which is exact if that
 * rank is at least the sum of the ranks. 'linear': A = sum sign(w_i) sqrt|w_i| A_i and B = sum sqrt|w_i| B_i, for
 * adapters of equal rank; it is cheap, but with several adapters it is not the sum of their updates.
 */
export type Combination = 'svd' | 'linear' | 'cat';

/** Options of {@link combineTailors} and {@link combineLoras}. */
export interface CombineOptions {
  /** The architecture that the adapters are for. */
  readonly dit: DitConfig;
  /** A factor for each adapter; may be negative. */
  readonly weights: readonly number[];
  /** How the updates are combined (default 'svd'). */
  readonly combination?: Combination;
  /** Rank of 'svd' (default: the largest of the adapters'). */
  readonly rank?: number;
}

/** A LoRA adapter of one group. */
export interface LoraAdapter {
  /** Its rank and scaling. */
  readonly config: LoraConfig;
  /** Leaves a [in, r] and b [out, r] of every main layer. */
  readonly layers: ParamTree;
}

/**
 * The weighted sum of tailors as one set of tailors: sum w_i u_i diag(s_i) v_iᵀ, layer by layer.
 *
 * @param adapters - trees with u [out, r], s [r], v [in, r] of every main layer: `layers` of the methods 'low-rank' and
 *   'svd-cut', or a group of a KIND model. Never disposed.
 * @returns a tree of the same form that the caller owns; s is 1 except after 'svd'.
 * @throws when numbers or shapes differ, or on a rank out of range; `ReadBackError` for 'svd', which reads back, on
 *   WebGPU
 */
export function combineTailors(adapters: readonly ParamTree[], options: CombineOptions): ParamTree {
  return readingBack('combineTailors', () => tf.tidy(() => recombined(joinTailors(adapters, options), options)));
}

/** {@link combineTailors} on every engine. It waits until the factors are read back. */
export async function combineTailorsAsync(adapters: readonly ParamTree[], options: CombineOptions): Promise<ParamTree> {
  return recombinedAsync(
    tf.tidy(() => joinTailors(adapters, options)),
    options,
  );
}

/**
 * The weighted sum of LoRA adapters as one LoRA adapter, layer by layer; equal to PEFT's.
 *
 * @param adapters - never disposed.
 * @returns an adapter with a scaling of 1 whose tensors the caller owns.
 * @throws when numbers or shapes differ, or on a rank out of range; `ReadBackError` for 'svd', which reads back, on
 *   WebGPU
 */
export function combineLoras(adapters: readonly LoraAdapter[], options: CombineOptions): LoraAdapter {
  const combine = () => tf.tidy(() => loraLayers(recombined(joinLoras(adapters, options), options), options));
  return asLora(readingBack('combineLoras', combine), options);
}

/** {@link combineLoras} on every engine: waits for the joined factors. */
export async function combineLorasAsync(
  adapters: readonly LoraAdapter[],
  options: CombineOptions,
): Promise<LoraAdapter> {
  const factors = await recombinedAsync(
    tf.tidy(() => joinLoras(adapters, options)),
    options,
  );
  const layers = tf.tidy(() => loraLayers(factors, options));
  disposeParams(factors);
  return asLora(layers, options);
}

interface Update {
  readonly a: tf.Tensor2D;
  readonly b: tf.Tensor2D;
}

/** Every main layer's sum of updates as u diag(s) vᵀ, and the largest rank of an update by layer. */
type Joined = Readonly<{
  readonly tree: ParamTree;
  readonly ranks: Readonly<Record<string, number>>;
}>;

function joinTailors(adapters: readonly ParamTree[], options: CombineOptions): Joined {
  checkWeights(adapters, options);
  return joinLayers(options, options.weights, (name) => {
    const layers = adapters.map((tree, i) => layerAt(tree, name, { adapter: i, leaves: ['u', 's', 'v'] }));
    return layers.map(({ u, s, v }) => ({ a: v as tf.Tensor2D, b: tf.mul<tf.Tensor2D>(u, s) }));
  });
}

function joinLoras(adapters: readonly LoraAdapter[], options: CombineOptions): Joined {
  checkWeights(adapters, options);
  for (const [i, { config }] of adapters.entries()) {
    if (config.layers) throw new Error(`adapters[${i}]: expected one rank and alpha in all layers, got config.layers`);
  }
  const weights = options.weights.map((weight, i) => weight * scalingOf(adapters[i].config));
  return joinLayers(options, weights, (name) =>
    adapters.map(({ layers }, i) => {
      const { a, b } = layerAt(layers, name, { adapter: i, leaves: ['a', 'b'] });
      return { a: a as tf.Tensor2D, b: b as tf.Tensor2D };
    }),
  );
}

function joinLayers(
  { dit, combination = 'svd' }: CombineOptions,
  weights: readonly number[],
  updatesOf: (name: string) => Update[],
): Joined {
  const ranks: Record<string, number> = {};
  const tree = mainLayers(dit, (name) => {
    const updates = updatesOf(name);
    ranks[name] = Math.max(...updates.map(({ a }) => a.shape[1]));
    return { ...(combination === 'linear' ? addedFactors(updates, weights) : catenated(updates, weights)) };
  });
  return { tree, ranks };
}

/** sum w_i b_i a_iᵀ as u diag(s) vᵀ, exactly: components side by side. */
function catenated(updates: readonly Update[], weights: readonly number[]) {
  const u = tf.concat(
    updates.map(({ b }) => b),
    1,
  );
  const v = tf.concat(
    updates.map(({ a }, i) => tf.mul<tf.Tensor2D>(a, weights[i])),
    1,
  );
  return { u, s: tf.ones<tf.Rank.R1>([u.shape[1]]), v };
}

/** 'linear': factors added. */
function addedFactors(updates: readonly Update[], weights: readonly number[]) {
  const ranks = updates.map(({ a }) => a.shape[1]);
  if (new Set(ranks).size > 1) throw new Error(`adapters: expected equal ranks for 'linear', got ${ranks.join(', ')}`);
  const root = weights.map((weight) => Math.sqrt(Math.abs(weight)));
  const v = sumTensors(updates.map(({ a }, i) => tf.mul<tf.Tensor2D>(a, Math.sign(weights[i]) * root[i])));
  const u = sumTensors(updates.map(({ b }, i) => tf.mul<tf.Tensor2D>(b, root[i])));
  return { u, s: tf.ones<tf.Rank.R1>([ranks[0]]), v };
}

/** The joined factors themselves, or for 'svd' their leading components. */
function recombined({ tree, ranks }: Joined, { dit, combination = 'svd', rank }: CombineOptions): ParamTree {
  if (combination !== 'svd') return tree;
  return mainLayers(dit, (name) => {
    const { u, s, v } = orthogonalizeFactored(subTree<FactoredParams>(tree, name)!, { rank: rank ?? ranks[name] });
    return { u, s, v };
  });
}

async function recombinedAsync(joined: Joined, options: CombineOptions): Promise<ParamTree> {
  if (options.combination !== undefined && options.combination !== 'svd') return joined.tree;
  try {
    await prefetch(joined.tree);
    return tf.tidy(() => recombined(joined, options));
  } finally {
    disposeParams(joined.tree);
  }
}

function loraLayers(factors: ParamTree, { dit }: CombineOptions): ParamTree {
  return mainLayers(dit, (name) => {
    const { u, s, v } = subTree<FactoredParams>(factors, name)!;
    return { a: tf.clone(v), b: tf.mul(u, s) };
  });
}

function asLora(layers: ParamTree, { dit }: CombineOptions): LoraAdapter {
  const rank = subTree<Leaves>(layers, blockLinearNames(dit)[0])!.a.shape[1] as number;
  return { config: { method: 'lora', rank, alpha: rank, rsLora: false }, layers };
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
