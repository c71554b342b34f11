import { blockLinearNames, type DitConfig, linearShape } from '@learngene/dit';
import { dims, disposeParams, type ParamTree, prefetch, readingBack, readSync } from '@learngene/nn';
import { concatComponents, type FactoredParams, orthogonalizeFactored, selectComponents } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields } from './core/checks';
import { layerConfig } from './core/layer-settings';
import { type Leaves, mainLayers, subTree } from './core/trees';
import { adapterConfig } from './methods';
import { type LoraConfig, scalingOf } from './methods/lora';
import { largestRank } from './methods/rank';
import type { LoraAdapter } from './weighted';

/**
 * Tailors as a LoRA adapter on the learngenes: they add u diag(s) vᵀ to a weight, LoRA adds b aᵀ. Here b is u diag(s) and a is v,
 * so PEFT's lora_B takes s and lora_A is vᵀ; alpha is the rank, a scaling of 1. Fresh tailors, whose s is zero, become a LoRA
 * adapter as PEFT starts one: lora_B zero.
 *
 * @param tailors - u [out, r], s [r], v [in, r] of the main layers: a group of a KIND model, or `layers` of the methods
 *   'low-rank' and 'svd-cut'. A layer may lack them, and ranks may differ. Other tensors in it are not read. Never disposed.
 * @returns an adapter whose tensors the caller owns.
 * @throws where no layer has tailors, or shapes do not fit
 */
export function loraOfTailors(tailors: ParamTree, dit: DitConfig): LoraAdapter {
  const ranks = new Map<string, number>();
  const layers = tf.tidy(() =>
    mainLayers(dit, (name) => {
      const own = subTree<Leaves>(tailors, name);
      if (!own) return undefined;
      const { u, s, v } = checkedFactors(own, dit, name);
      ranks.set(name, s.size);
      return { a: tf.clone(v), b: tf.mul<tf.Tensor2D>(u, s) };
    }),
  );
  try {
    if (ranks.size === 0) throw new Error('tailors: expected factors of at least one main layer, got none');
    const rank = Math.max(...ranks.values());
    const settings = blockLinearNames(dit).map((name) => {
      const own = ranks.get(name);
      return [name, own === undefined ? null : { rank: own, alpha: own }];
    });
    const input = { method: 'lora', rank, alpha: rank, layers: Object.fromEntries(settings) } as const;
    return { config: adapterConfig(input, dit) as LoraConfig, layers };
  } catch (error) {
    disposeParams(layers);
    throw error;
  }
}

function checkedFactors(layer: Leaves, dit: DitConfig, name: string): FactoredParams {
  for (const leaf of ['u', 's', 'v']) {
    if (!layer[leaf]) throw new Error(`tailors: expected ${name}.${leaf}, got none`);
  }
  const size = linearShape(dit, name);
  const { r } = dims(`tailors: ${name}.u`, layer.u, `${size.out} r`);
  dims(`tailors: ${name}.s`, layer.s, `${r}`);
  dims(`tailors: ${name}.v`, layer.v, `${size.in} ${r}`);
  return layer as unknown as FactoredParams;
}

/** Options of {@link tailorsOfLora}. */
export interface TailorsOfLoraOptions {
  /** The architecture that the adapter is for. */
  readonly dit: DitConfig;
  /** The most components of a layer (default: as many as the adapter has). */
  readonly rank?: number;
}

/** A layer whose update had a higher rank than tailors may have. */
export interface LayerCut {
  /** Dotted name, 'blocks.3.attn.q'. */
  readonly layer: string;
  /** Rank that it had. */
  readonly rank: number;
  /** Frobenius norm of what was cut over that of the whole update; 0 where the update was of no higher rank after all. */
  readonly relativeError: number;
}

/** Tailors of a LoRA adapter. */
export interface TailorsOfLora {
  /** u [out, rank], s [rank], v [in, rank] of every main layer; the caller owns them. */
  readonly tailors: ParamTree;
  /** Components of every layer. */
  readonly rank: number;
  /** The layers that were cut, in the order of the model; empty where the tailors are exactly the update. */
  readonly cut: readonly LayerCut[];
}

/**
 * A LoRA adapter on the learngenes as tailors, the way back of {@link loraOfTailors}: u is b, v is a, and s is the scaling, alpha / r
 * or with rsLoRA alpha / √r. So no number of an update is computed anew, and the tailors are exactly it. A layer of a lower rank, or
 * without adapter, is filled up with components of zero.
 *
 * A layer of a higher rank than `rank` is cut to the leading components of its update, which approximate it best (Eckart & Young
 * 1936). Such layers are read back and decomposed in float64.
 *
 * @param adapter - never disposed.
 * @throws on a rank out of range and where shapes do not fit; `ReadBackError` on WebGPU where layers are cut
 */
export function tailorsOfLora(adapter: LoraAdapter, options: TailorsOfLoraOptions): TailorsOfLora {
  checkOptions('tailorsOfLora', options);
  return readingBack('tailorsOfLora', () => converted(adapter, options));
}

/** {@link tailorsOfLora} on every engine. It waits until layers that are cut are read back. */
export async function tailorsOfLoraAsync(adapter: LoraAdapter, options: TailorsOfLoraOptions): Promise<TailorsOfLora> {
  checkOptions('tailorsOfLoraAsync', options);
  await prefetch(adapter.layers);
  return converted(adapter, options);
}

function checkOptions(of: string, options: TailorsOfLoraOptions): void {
  checkFields(of, options, ['dit', 'rank']);
  if (options.rank !== undefined) checkCount('rank', options.rank, largestRank(options.dit));
}

function converted({ config, layers }: LoraAdapter, { dit, rank: most }: TailorsOfLoraOptions): TailorsOfLora {
  const names = blockLinearNames(dit);
  const settings = new Map(names.map((name) => [name, layerConfig(config, name)]));
  const highest = Math.max(...[...settings.values()].map((own) => own?.rank ?? 0));
  const rank = Math.min(most ?? highest, highest);
  const cut: LayerCut[] = [];
  const tailors = tf.tidy(() =>
    mainLayers(dit, (name) => {
      const own = settings.get(name);
      const update = own ? updateOf(layers, own, { dit, name }) : undefined;
      if (!update || update.s.size <= rank) return filledUp(update, { dit, name, rank });
      const { leading, relativeError } = leadingOf(update, rank);
      cut.push({ layer: name, rank: update.s.size, relativeError });
      return leading;
    }),
  );
  return { tailors, rank, cut };
}

/** The update of a layer as factors: b diag(scaling) aᵀ. */
function updateOf(
  layers: ParamTree,
  config: LoraConfig,
  { dit, name }: { dit: DitConfig; name: string },
): FactoredParams {
  const { a, b } = subTree<Leaves>(layers, name) ?? {};
  if (!a || !b) throw new Error(`adapter: expected ${name}.a and ${name}.b, got ${a ? 'no b' : 'no a'}`);
  const size = linearShape(dit, name);
  dims(`adapter: ${name}.a`, a, `${size.in} ${config.rank}`);
  dims(`adapter: ${name}.b`, b, `${size.out} ${config.rank}`);
  // Made of numbers, not by an op, so that it is read on WebGPU without waiting.
  const s = tf.tensor1d(new Float32Array(config.rank).fill(scalingOf(config)));
  return { u: b as tf.Tensor2D, s, v: a as tf.Tensor2D };
}

/** The factors of a layer with components of zero up to a rank, as new tensors. */
function filledUp(
  update: FactoredParams | undefined,
  { dit, name, rank }: { dit: DitConfig; name: string; rank: number },
): Leaves {
  const size = linearShape(dit, name);
  const missing = rank - (update?.s.size ?? 0);
  const zeros = (): FactoredParams => ({
    u: tf.zeros<tf.Rank.R2>([size.out, missing]),
    s: tf.zeros<tf.Rank.R1>([missing]),
    v: tf.zeros<tf.Rank.R2>([size.in, missing]),
  });
  const { u, s, v } = update === undefined ? zeros() : missing === 0 ? update : concatComponents(update, zeros());
  return { u: tf.clone(u), s: tf.clone(s), v: tf.clone(v) };
}

/** The leading components of an update, and the share of its norm that they leave out. */
function leadingOf(update: FactoredParams, rank: number): { leading: Leaves; relativeError: number } {
  const whole = orthogonalizeFactored(update);
  const squares = Float64Array.from(readSync(whole.s), (value) => value ** 2);
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
  const all = sum(squares);
  const { u, s, v } = selectComponents(
    whole,
    Int32Array.from({ length: rank }, (_, i) => i),
  );
  return { leading: { u, s, v }, relativeError: all === 0 ? 0 : Math.sqrt(sum(squares.subarray(rank)) / all) };
}
