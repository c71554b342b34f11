import {
  cloneParams,
  disposeParams,
  type LowRankFactors,
  type ParamTree,
  prefetch,
  readingBack,
  sumTensors,
} from '@learngene/nn';
import { orthogonalizeFactored } from '@learngene/tensor-svd';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { summed } from './apply-gated';
import { validateKindConfig } from './config';
import { type AnyKindConfig, networkOf, withClasses } from './config-types';
import { checkOptionNames } from './option-names';
import { type AnyKindModel, layerTree, type NetworkParams, rowsIn, subTree, tailorsOf } from './params';
import { type TailorGroup, validateTailorGroups } from './tailor-groups';

/** A class and its share of a mixture. */
export interface MixturePart {
  /** Class id. */
  readonly class: number;
  /** Its share, above 0. The shares of a mixture add up to 1. */
  readonly weight: number;
}

/** A class that is mixed from others. */
export interface TailorMixture {
  /** Name of the mixture: of its group and its class. */
  readonly name: string;
  /** The classes that are mixed, each once. */
  readonly parts: readonly MixturePart[];
}

/** How far the weights of a mixture may be from 1 in sum. */
const ROUNDING = 1e-6;

/**
 * Makes a model whose classes are weighted mixtures of classes, as conditions are composed in DivControl: class i is mixture
 * i. A layer computes the learngenes plus the weighted sum of the tailors; the rows of a class (of a DiT its label embedding)
 * are the same weighted mean. A mixture of one class gives the bits of that class.
 *
 * The components of a mixture are those of its groups, with s scaled by the weights. Where they are more than a layer is
 * wide, they are re-factored exactly into as many as it is wide; then factors are read back and decomposed in float64.
 *
 * @param model - never disposed; the tailors of the groups of the classes must be loaded.
 * @returns New tensors that the caller owns. `tailorRank` is the highest rank of a mixture.
 * @throws on a soft gate, which mixes by itself, on a class that is in no group or twice in a mixture, on weights that are
 *   not above 0 or do not add up to 1, on a name used twice; `ReadBackError` on WebGPU where factors are read back
 */
export function mixTailors<M extends AnyKindModel>(model: M, mixtures: readonly TailorMixture[]): M {
  const { config }: { config: AnyKindConfig } = model;
  checkMixtures(config, mixtures);
  return finished(
    model,
    mixtures,
    readingBack('mixTailors', () => tidied(() => narrowed(config, joinedTailors(model, mixtures)))),
  );
}

/** {@link mixTailors} on every engine. It waits until the factors are read back. */
export async function mixTailorsAsync<M extends AnyKindModel>(
  model: M,
  mixtures: readonly TailorMixture[],
): Promise<M> {
  const { config }: { config: AnyKindConfig } = model;
  checkMixtures(config, mixtures);
  const joined = tidied(() => joinedTailors(model, mixtures));
  try {
    await prefetch(...Object.values(joined));
    return finished(
      model,
      mixtures,
      tidied(() => narrowed(config, joined)),
    );
  } finally {
    for (const tailors of Object.values(joined)) disposeParams(tailors);
  }
}

/** The tailors of every mixture by its name. */
export type MixedTailors = Record<string, ParamTree>;

export const tidied = (make: () => MixedTailors): MixedTailors =>
  tf.tidy(() => make() as unknown as TensorContainer) as unknown as MixedTailors;

/** The model of some tailors, which it owns; shared parts and learngenes are cloned. */
export function finished<M extends AnyKindModel>(
  model: M,
  mixtures: readonly TailorMixture[],
  tailors: MixedTailors,
): M {
  const { config, params }: { config: AnyKindConfig; params: NetworkParams } = model;
  const { shared, learngenes } = params;
  const result = {
    shared: cloneParams(shared),
    learngenes: cloneParams(learngenes),
    tailors,
  } as unknown as NetworkParams;
  return { config: mixedConfig(config, mixtures, result), params: result } as M;
}

/** The tailors of every mixture with the components of all its groups, which may be more than a layer is wide. */
function joinedTailors(model: AnyKindModel, mixtures: readonly TailorMixture[]): MixedTailors {
  return Object.fromEntries(mixtures.map((mixture) => [mixture.name, mixOf(model, mixture)]));
}

/** The same tailors with no more components than a layer is wide. */
export function narrowed(config: AnyKindConfig, mixed: MixedTailors): MixedTailors {
  const { layers } = networkOf(config);
  const of = (tailors: ParamTree): ParamTree => ({
    ...cloneParams(tailors),
    ...layerTree(layers, (layer) => {
      const own = subTree<LowRankFactors>(tailors, layer.name);
      if (own === undefined) return undefined;
      const { u, s, v } = own.s.size > Math.min(layer.in, layer.out) ? orthogonalizeFactored(own) : own;
      return cloneParams({ u, s, v });
    }),
  });
  return Object.fromEntries(Object.entries(mixed).map(([name, tailors]) => [name, of(tailors)]));
}

function checkMixtures(config: AnyKindConfig, mixtures: readonly TailorMixture[]): void {
  if (config.gate === 'soft') throw new Error('model: expected a binary gate, got a soft gate, which mixes by itself');
  if (!Array.isArray(mixtures) || mixtures.length === 0) throw new Error('mixtures: expected at least one, got none');
  for (const [i, mixture] of mixtures.entries()) {
    const at = `mixtures[${i}]`;
    checkOptionNames(at, mixture, ['name', 'parts']);
    const { parts } = mixture;
    if (!Array.isArray(parts) || parts.length === 0) throw new Error(`${at}.parts: expected at least one, got none`);
    const ids = new Set<number>();
    for (const part of parts) checkPart(at, config, { part, ids });
    const sum = parts.reduce((total: number, { weight }: MixturePart) => total + weight, 0);
    if (Math.abs(sum - 1) > ROUNDING) {
      const got = parts.map(({ weight }: MixturePart) => weight).join(' + ');
      throw new Error(`${at}: expected weights that add up to 1, got ${got}`);
    }
  }
  validateTailorGroups(groupsOf(mixtures), mixtures.length);
}

/** The groups of the mixtures, one class each. */
function groupsOf(mixtures: readonly TailorMixture[]): TailorGroup[] {
  return mixtures.map(({ name }, id) => ({ name, classes: [id], classNames: [name] }));
}

function checkPart(
  at: string,
  { groups }: AnyKindConfig,
  { part, ids }: { part: MixturePart; ids: Set<number> },
): void {
  checkOptionNames(`${at}.parts`, part, ['class', 'weight']);
  const { class: id, weight } = part;
  if (!groups.some(({ classes }) => classes.includes(id))) {
    throw new Error(`${at}.parts: expected the id of a class in a group, got ${String(id)}`);
  }
  if (ids.has(id)) throw new Error(`${at}.parts: expected each class once, got ${id} twice`);
  ids.add(id);
  if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
    throw new Error(`${at}.parts: expected a weight above 0 of class ${id}, got ${String(weight)}`);
  }
}

/** The groups of a mixture and their weights; two classes of one group share its tailors. */
function groupWeights({ groups }: AnyKindConfig, { parts }: TailorMixture): { group: TailorGroup; weight: number }[] {
  const weights = new Map<TailorGroup, number>();
  for (const { class: id, weight } of parts) {
    for (const group of groups) {
      if (group.classes.includes(id)) weights.set(group, (weights.get(group) ?? 0) + weight);
    }
  }
  // What the sum of rounded weights leaves out must not change the bits of a mixture of one group, or of one class.
  if (weights.size === 1 || parts.length === 1) return [...weights.keys()].map((group) => ({ group, weight: 1 }));
  return [...weights].map(([group, weight]) => ({ group, weight }));
}

/** What the group of a mixture owns: factors of the layers, and one row of every table. */
function mixOf(model: AnyKindModel, mixture: TailorMixture): ParamTree {
  const { config, params }: { config: AnyKindConfig; params: NetworkParams } = model;
  const weighted = groupWeights(config, mixture);
  const factors = layerTree(networkOf(config).layers, (layer) => {
    const own = weighted.flatMap(({ group, weight }) => {
      const part = subTree<LowRankFactors>(tailorsOf(params, group.name), layer.name);
      return part ? [{ u: part.u, s: weight === 1 ? part.s : tf.mul<tf.Tensor1D>(part.s, weight), v: part.v }] : [];
    });
    if (own.length === 0) return undefined;
    const { u, s, v } = summed(own);
    return cloneParams({ u, s, v });
  });
  return { ...factors, ...mixedRows(model, mixture) };
}

/** One row of every table of classes: the weighted mean of the rows of the parts. */
export function mixedRows({ config, params }: AnyKindModel, { parts }: TailorMixture): ParamTree {
  const rows = parts.map(({ class: id, weight }) => {
    const group = config.groups.find(({ classes }) => classes.includes(id))!;
    const tables = rowsIn(tailorsOf<ParamTree>(params, group.name), networkOf(config));
    return { tables, row: group.classes.indexOf(id), weight };
  });
  return Object.fromEntries(Object.keys(rows[0].tables).map((name) => [name, meanOf(rows, name)])) as ParamTree;
}

interface WeightedRow {
  readonly tables: ParamTree;
  readonly row: number;
  readonly weight: number;
}

function meanOf(rows: readonly WeightedRow[], name: string): ParamTree[string] {
  const first = rows[0].tables[name];
  if (!(first instanceof tf.Tensor)) {
    const inner = rows.map(({ tables, ...rest }) => ({ ...rest, tables: tables[name] as ParamTree }));
    return Object.fromEntries(Object.keys(inner[0].tables).map((key) => [key, meanOf(inner, key)])) as ParamTree;
  }
  const scaled = rows.map(({ tables, row, weight }) => {
    const one = tf.slice(tables[name] as tf.Tensor, row, 1); // [1, ...]
    return rows.length === 1 ? one : tf.mul(one, weight);
  });
  return scaled.length === 1 ? scaled[0] : sumTensors(scaled);
}

/** The config of the mixtures; layers may have fewer components than the highest rank. */
function mixedConfig(config: AnyKindConfig, mixtures: readonly TailorMixture[], params: NetworkParams): AnyKindConfig {
  const ranks = mixtures.flatMap(({ name }) =>
    networkOf(config).layers.map((layer) => subTree<LowRankFactors>(params.tailors[name], layer.name)?.s.size ?? 0),
  );
  const tailorRank = Math.max(1, ...ranks);
  const pruned = config.pruned || ranks.some((rank) => rank !== tailorRank);
  const mixed = withClasses<AnyKindConfig>(
    { ...config, groups: groupsOf(mixtures), tailorRank, pruned },
    mixtures.length,
  );
  validateKindConfig(mixed);
  return mixed;
}
