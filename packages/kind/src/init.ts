import { initDit } from '@learngene/dit';
import {
  classPlaces,
  cloneParams,
  disposeParams,
  flattenParams,
  type LowRankFactors,
  type ParamTree,
} from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { type FactoredParams, initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkShapes } from './check-shapes';
import { validateKindConfig } from './config';
import {
  type AnyKindConfig,
  highestTailorRank,
  isDitConfig,
  type KindConfig,
  type NetworkKindConfig,
  networkOf,
  tailorRankOf,
} from './config-types';
import { gateWidth } from './count';
import { classRows, labelRows } from './fresh-tailors';
import type { FactoredLayer } from './network';
import { checkOptionNames } from './option-names';
import { type KindParams, layerTree, type NetworkParams, type SharedParams } from './params';
import type { TailorGroup } from './tailor-groups';

/** Options of {@link initKind}. */
export interface InitKindOptions {
  /**
   * How the factored layers start. 'orthogonal' (default): random orthonormal u and v with equal s. 'xavier': the SVD
   * of a Xavier-initialised dense weight. Its leading N_G components become learngenes and the next N_t the tailors of
   * every group, scaled to the energy of the whole weight; N_G + N_t must not exceed the rank of any layer. Activations
   * have the same size either way.
   */
  readonly init?: 'orthogonal' | 'xavier';
}

/** Options of {@link initKind} for another network than a Diffusion Transformer. */
export type InitNetworkOptions = InitKindOptions & {
  /** The initial dense parts, with the shapes of `network.shared`; cloned, never disposed. */
  readonly shared: ParamTree;
};

/** Learngenes and first tailors of a factored layer. */
interface LayerStart {
  readonly common: FactoredParams;
  readonly own: FactoredParams;
}

/**
 * Fresh parameters of a KIND model, f32, owned by the caller.
 *
 * Shared parts of a DiT start as in `initDit` (adaLN-Zero: the output of the model is exactly 0); those of another
 * network are given. By default learngenes and tailors are random orthonormal u and v with equal s. Their scale gives
 * the weight of a class, at any rank, about the Frobenius norm of the Xavier weight of DiT (q, k and v as parts of one
 * [3D, D] matrix). So activations start at the usual size, no component starts ahead of another, and no SVD is taken.
 *
 * All groups start from the same tailors, as in `kindFromDense` (one of a lower rank from the first of them), so every class starts as the same model.
 * A group whose classes are all in groups before it starts with zero output, so that this holds for classes in several groups too.
 * Where only some of its classes are, those start with the first tailors of both. On a toy task
 * (5 classes, D = 32, N_G = 8, N_t = 4, 3 seeds) this start reached a loss of 1.34 after 100 steps. Tailors with zero
 * output (see `freshTailors`) reached 1.48, and small tailors drawn for each group 1.45.
 *
 * Rows of classes (label embeddings, rows of a head) and the null row of a DiT are drawn from N(0, 0.02²). A soft gate
 * starts at zero, so all groups have the same weight.
 *
 * @param g - the generator. It draws the shared parts of a DiT as `initDit` does, then learngenes and tailors layer by
 *   layer, then rows of classes.
 * @throws on an invalid config, naming the field, or a rank above a layer's widths
 */
export function initKind(g: Generator, config: KindConfig, options?: InitKindOptions): KindParams;
export function initKind(g: Generator, config: NetworkKindConfig, options: InitNetworkOptions): NetworkParams;
export function initKind(
  g: Generator,
  config: AnyKindConfig,
  options: InitKindOptions & Partial<InitNetworkOptions> = {},
): NetworkParams {
  checkOptionNames('initKind', options, isDitConfig(config) ? ['init'] : ['init', 'shared']);
  const { init = 'orthogonal' } = options;
  validateKindConfig(config);
  const { layers } = networkOf(config);
  return tf.tidy(() => {
    const shared = isDitConfig(config) ? initShared(g, config) : givenShared(config, options.shared);
    const starts = startOf(g, config, init);
    const tailors = config.groups.map((group) => {
      const rank = tailorRankOf(config, group);
      const later = isLater(config.groups, group);
      const first = layerTree(layers, ({ name }) => {
        const own = firstComponents(starts.get(name)!.own, rank);
        return later ? { ...zeroOutput(own) } : { ...own };
      });
      return [group.name, { ...cloneParams(first), ...classRows(g, config, group.classes.length) }];
    });
    return {
      shared,
      learngenes: layerTree(layers, ({ name }) => starts.get(name)!.common),
      tailors: Object.fromEntries(tailors),
      ...zeroGate(config),
    };
  });
}

/** The first components of a layer without a bias. */
export function firstComponents({ u, s, v }: FactoredParams, count: number): LowRankFactors {
  if (s.size === count) return { u, s, v };
  return { u: tf.slice(u, [0, 0], [-1, count]), s: tf.slice(s, 0, count), v: tf.slice(v, [0, 0], [-1, count]) };
}

/** Whether all classes of a group are in groups before it. */
export function isLater(groups: readonly TailorGroup[], group: TailorGroup): boolean {
  const places = classPlaces(groups);
  return group.classes.every((id) => groups[places.get(id)!.group] !== group);
}

/** Factors of that size that add nothing: u is 0, s is 1, v stays; so u has a gradient from the first step. */
export function zeroOutput({ u, s, v }: LowRankFactors): LowRankFactors {
  return { u: tf.zerosLike(u), s: tf.onesLike(s), v };
}

/** Copies of dense parts that fit the network. */
export function givenShared({ network }: NetworkKindConfig, shared: ParamTree | undefined): ParamTree {
  if (shared === undefined) throw new Error('shared: expected the dense parts of the network, got none');
  try {
    checkShapes(flattenParams(shared), new Map(Object.entries(network.shared)));
  } catch (error) {
    throw new Error(`shared: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return cloneParams(shared);
}

/** DiT's dense parts without label table and main weights, and a null row. */
export function initShared(g: Generator, { dit }: Pick<KindConfig, 'dit'>): SharedParams {
  // One block is enough: adaLN layers start at zero, and the main weights are not used.
  const { patch, time, final, blocks, label } = initDit(g, { ...dit, depth: 1, classes: 1 });
  const { adaln, attn, mlp } = blocks[0];
  disposeParams({ label, attn, mlp });
  const all = Array.from({ length: dit.depth }, (_, i) => [i, { adaln: i === 0 ? adaln : cloneParams(adaln) }]);
  return { patch, time, label: { null: labelRows(g, 1, dit.hiddenSize) }, blocks: Object.fromEntries(all), final };
}

/** The components that every factored layer starts from, by name. */
function startOf(g: Generator, config: AnyKindConfig, init: 'orthogonal' | 'xavier'): Map<string, LayerStart> {
  const { learngeneRank } = config;
  const tailorRank = highestTailorRank(config);
  const { layers } = networkOf(config);
  switch (init) {
    case 'orthogonal': {
      const draw = (rank: number, bias: boolean) =>
        layers.map((layer) => orthogonalComponents(g, config, { layer, rank, bias }));
      const [common, own] = [draw(learngeneRank, true), draw(tailorRank, false)];
      return new Map(layers.map(({ name }, i) => [name, { common: common[i], own: own[i] }]));
    }
    case 'xavier':
      return new Map(layers.map((layer) => [layer.name, xavierComponents(g, config, layer)]));
    default:
      throw new Error(`init: expected 'orthogonal' or 'xavier', got ${String(init satisfies never)}`);
  }
}

/** ‖W‖² of a Xavier weight, 2 in out / (in + fan out). */
function xavierEnergy({ in: inputs, out, fanOut = out }: FactoredLayer): number {
  return (2 * inputs * out) / (inputs + fanOut);
}

/** Random orthonormal components of one factored layer, each with the same share of Xavier's energy. */
function orthogonalComponents(
  g: Generator,
  config: AnyKindConfig,
  { layer, rank, bias }: { layer: FactoredLayer; rank: number; bias: boolean },
): FactoredParams {
  const start = initFactored(g, { in: layer.in, out: layer.out, rank, init: 'orthogonal', bias });
  const { u, s, v, bias: zeros } = start;
  const share = xavierEnergy(layer) / (config.learngeneRank + config.tailorRank);
  return { u, s: tf.fill<tf.Rank.R1>([s.size], Math.sqrt(share)), v, ...(zeros && { bias: zeros }) };
}

/** The leading components of a Xavier weight's SVD, scaled to the energy of the whole weight. */
function xavierComponents(g: Generator, config: AnyKindConfig, layer: FactoredLayer): LayerStart {
  const { learngeneRank: N_G } = config;
  const N_t = highestTailorRank(config);
  const size = { in: layer.in, out: layer.out };
  const { u, s, v } = initFactored(g, { ...size, rank: N_G + N_t, init: 'xavier-uniform', bias: false });
  const scaled = tf.mul<tf.Tensor1D>(s, tf.sqrt(tf.div(xavierEnergy(layer), tf.sum(tf.square(s)))));
  const take = (start: number, count: number): FactoredParams => ({
    u: tf.slice(u, [0, start], [-1, count]),
    s: tf.slice(scaled, [start], [count]),
    v: tf.slice(v, [0, start], [-1, count]),
  });
  return { common: { ...take(0, N_G), bias: tf.zeros<tf.Rank.R1>([layer.out]) }, own: take(N_G, N_t) };
}

/** A soft gate that weighs all groups alike, under its key; nothing for a binary gate. */
export function zeroGate(config: AnyKindConfig): Pick<NetworkParams, 'gate'> {
  if (config.gate === 'binary') return {};
  const { length } = config.groups;
  return { gate: { weight: tf.zeros([length, gateWidth(config)]), bias: tf.zeros([length]) } };
}
