import { blockLinearNames, type DitParams, gatherRows, linearShape, nullLabel } from '@learngene/dit';
import { classPlaces, cloneParams, dims, type LinearParams, prefetch, readingBack } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { type FactoredParams, factorDense, selectComponents } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { validateKindConfig } from './config';
import { highestTailorRank, type KindConfig, tailorRankOf } from './config-types';
import { ditNetwork } from './dit-network';
import { firstComponents, isLater, zeroGate, zeroOutput } from './init';
import { checkFlag, checkOptionNames } from './option-names';
import {
  type KindParams,
  type LearngeneParams,
  layerTree,
  type SharedParams,
  subTree,
  type TailorParams,
} from './params';
import type { TailorGroup } from './tailor-groups';

/** Options of {@link kindFromDense}. */
export interface FromDenseOptions {
  /** Draws the random projections of the randomised SVD. The exact SVD draws nothing. */
  readonly generator: Generator;
  /**
   * Whether to take a randomised SVD (Halko et al. 2011), which is much faster for small ranks of wide layers (default
   * false).
   */
  readonly randomized?: boolean;
}

/**
 * A KIND model from a trained dense DiT. Every main weight is factored by SVD. The N_G components with the largest
 * singular values become learngenes; the next N_t become the first tailors of every group. So each class starts as the
 * best approximation of rank N_G + N_t of the dense model (Eckart & Young 1936), and at full rank its output equals
 * that of the dense model. A group whose classes are all in groups before it starts with zero output. Label rows and the null
 * row come from `label.table`. Reads the weights back.
 *
 * @param dense - never disposed; must have the shapes of `config.dit`.
 * @returns f32 parameters that the caller owns.
 * @throws when shapes do not fit, N_G + N_t is above a layer's rank, or only some classes of a group are in groups before it
 *   (with the first tailors of both they would not approximate the dense model); `ReadBackError` on WebGPU, which reads
 *   asynchronously
 */
export function kindFromDense(dense: DitParams, config: KindConfig, options: FromDenseOptions): KindParams {
  checkOptions('kindFromDense', options);
  return readingBack('kindFromDense', () => factored(dense, config, options));
}

/** {@link kindFromDense} on every engine. It waits until the weights are read back. */
export async function kindFromDenseAsync(
  dense: DitParams,
  config: KindConfig,
  options: FromDenseOptions,
): Promise<KindParams> {
  checkOptions('kindFromDenseAsync', options);
  validateKindConfig(config);
  await prefetch(...blockLinearNames(config.dit).map((name) => mainLayer(dense, config, name).weight));
  return kindFromDense(dense, config, options);
}

/** Throws on options of `of` that are unknown. */
export function checkOptions(of: string, options: FromDenseOptions, more: readonly string[] = []): void {
  checkOptionNames(of, options, ['generator', 'randomized', ...more]);
  checkFlag('randomized', options.randomized);
}

function factored(
  dense: DitParams,
  config: KindConfig,
  { generator, randomized = false }: FromDenseOptions,
): KindParams {
  validateKindConfig(config);
  const { dit, learngeneRank: N_G } = config;
  const N_t = highestTailorRank(config);
  dims('label.table', dense.label.table, `${dit.classes + 1} ${dit.hiddenSize}`);
  checkFirstGroups(config.groups);
  return tf.tidy(() => {
    const layers = new Map(
      blockLinearNames(dit).map((name) => {
        const layer = mainLayer(dense, config, name);
        return [name, factorDense(layer, { rank: N_G + N_t, ...(randomized && { randomized: generator }) })];
      }),
    );
    const take = (name: string, from: number, count: number): FactoredParams =>
      selectComponents(
        layers.get(name)!,
        Int32Array.from({ length: count }, (_, i) => from + i),
      );
    const common = new Map(blockLinearNames(dit).map((name) => [name, take(name, 0, N_G)]));
    const rest = new Map(blockLinearNames(dit).map((name) => [name, take(name, N_G, N_t)]));
    const rows = (ids: readonly number[]) => gatherRows(dense.label.table, Int32Array.from(ids));
    return paramsOfStart(config, { common, rest, shared: sharedOf(dense, rows([nullLabel(dit)])), rows });
  });
}

/** The parts of a KIND model that starts from a dense one. */
export interface FactoredStart {
  /** Learngenes by layer. */
  readonly common: ReadonlyMap<string, FactoredParams>;
  /** The components that follow them, of which every group has a copy. */
  readonly rest: ReadonlyMap<string, FactoredParams>;
  readonly shared: SharedParams;
  /** Makes the label rows [n, D] of classes. */
  readonly rows: (classes: readonly number[]) => tf.Tensor2D;
}

/** The parameters of a model of these parts; call it inside a tidy. */
export function paramsOfStart(config: KindConfig, { common, rest, shared, rows }: FactoredStart): KindParams {
  const { layers } = ditNetwork(config.dit);
  const tailorsOf = (group: TailorGroup): TailorParams => {
    const rank = tailorRankOf(config, group);
    const own = layerTree(layers, ({ name }) => {
      const first = firstComponents(rest.get(name)!, rank);
      return isLater(config.groups, group) ? { ...zeroOutput(first) } : { ...first };
    });
    return { ...cloneParams(own as Pick<TailorParams, 'blocks'>), label: { rows: rows(group.classes) } };
  };
  return {
    shared,
    learngenes: layerTree(layers, ({ name }) => common.get(name)!) as LearngeneParams,
    tailors: Object.fromEntries(config.groups.map((group) => [group.name, tailorsOf(group)])),
    ...zeroGate(config),
  };
}

/** Throws where only some classes of a group are in groups before it. */
export function checkFirstGroups(groups: readonly TailorGroup[]): void {
  const places = classPlaces(groups);
  for (const [index, group] of groups.entries()) {
    const earlier = group.classes.filter((id) => places.get(id)!.group !== index);
    if (earlier.length === 0 || earlier.length === group.classes.length) continue;
    const [id] = earlier;
    const first = groups[places.get(id)!.group].name;
    throw new Error(
      `groups[${index}]: expected all of its classes in earlier groups, or none, got class ${id}, which is in '${first}' too`,
    );
  }
}

function mainLayer(dense: DitParams, config: KindConfig, name: string): LinearParams {
  const layer = subTree<LinearParams>(dense, name);
  if (!layer) throw new Error(`dense: expected a layer ${name}, got none`);
  const shape = linearShape(config.dit, name);
  dims(`dense.${name}.weight`, layer.weight, `${shape.out} ${shape.in}`);
  checkLayerRank(config, name);
  return layer;
}

/** Throws where a layer has fewer components than are asked for. */
export function checkLayerRank(config: KindConfig, name: string): void {
  const rank = config.learngeneRank + highestTailorRank(config);
  const shape = linearShape(config.dit, name);
  const most = Math.min(shape.in, shape.out);
  if (rank <= most) return;
  throw new Error(`learngeneRank + tailorRank: expected at most ${most}, the rank of ${name}, got ${rank}`);
}

/** Copies of the dense parts, and the null label's row itself. */
function sharedOf({ patch, time, blocks, final }: DitParams, nullRow: tf.Tensor2D): SharedParams {
  const adaln = Object.fromEntries(Object.entries(blocks).map(([i, block]) => [i, { adaln: block.adaln }]));
  return { ...cloneParams({ patch, time, blocks: adaln, final }), label: { null: nullRow } };
}
