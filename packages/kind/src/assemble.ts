import {
  classGates,
  classPlaces,
  cloneParams,
  flattenParams,
  groupByName,
  type LinearParams,
  type LowRankFactors,
  listNames,
  type ParamTree,
  prefetch,
  readingBack,
  unflattenParams,
} from '@learngene/nn';
import { type FactoredParams, orthogonalizeFactored, selectComponents } from '@learngene/tensor-svd';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  type AssemblyBudget,
  type ChosenComponents,
  checkBudget,
  checkMinimum,
  chooseComponents,
  fits,
} from './assemble-budget';
import { validateKindConfig } from './config';
import { type AnyKindConfig, networkOf, withClasses } from './config-types';
import { countAssembled } from './count-assembled';
import type { KindNetwork } from './network';
import { checkNames, checkOptionNames } from './option-names';
import { type AnyKindModel, layerTree, type NetworkParams, rowsIn, subTree, tailorsOf } from './params';
import { sharesClasses, type TailorGroup } from './tailor-groups';

/** What {@link assembleFactored} keeps. */
export interface AssembleOptions {
  /** Names of the groups to keep (default all). Class ids follow this order. `[]` keeps the learngenes only. */
  readonly groups?: readonly string[];
  /** What the model may cost (default: all components stay). */
  readonly budget?: AssemblyBudget;
}

/**
 * Makes a KIND model of the chosen groups: the learngenes, and the tailors and label rows of these groups, optionally
 * cut to a budget.
 *
 * Class ids are counted anew from 0 in the order of the groups' classes, and `classes` of the network is their number. A class
 * in several groups stays where all of them stay, for without one it is another class; its row moves to the first group kept.
 * Without any group `classes` is 1, that class is in no group, and every sample has the null label. A soft gate keeps
 * the rows of the chosen groups, so its softmax spreads over them alone.
 *
 * A model within the budget stays as it is. Otherwise the learngenes of every layer, and the tailors of every group in
 * it, are first re-factored exactly into singular components. Trained factors are far from orthogonal, so a trained
 * component says little about what the layer loses without it.
 *
 * Then all components of all layers compete. The score of a component is energy / cost: s_i² divided by what the
 * component costs in the unit of the budget. For parameters and bytes, the cost of a tailor is divided by the square
 * root of the share of classes that it serves. All dense parts and the best learngene of every layer are kept; then
 * components are taken by falling score until the next one would exceed the budget. So a smaller cut to the same unit
 * is a part of a larger one.
 *
 * With a budget, factors are read back and decomposed in float64 on the processor.
 *
 * @param model - never disposed; the tailors of the chosen groups must be loaded.
 * @returns New tensors that the caller owns; `config.pruned` is true with a budget.
 * @throws on an unknown or repeated group, on a group of which no class stays, on an unknown option or unit of the budget, and on a budget below the
 *   minimum, naming it; `ReadBackError` with a budget on WebGPU, which reads asynchronously
 */
export function assembleFactored<M extends AnyKindModel>(model: M, options: AssembleOptions = {}): M {
  checkOptions('assembleFactored', options);
  const { groups, budget } = options;
  const kept = keptGroups(model.config, groups);
  const assembled = () => {
    const picked = pickGroups(model, kept);
    return (budget ? cut(picked, budget) : cloneParams(picked.params)) as unknown as TensorContainer;
  };
  const params = readingBack('assembleFactored', () => tf.tidy(assembled)) as unknown as NetworkParams;
  const config = {
    ...renumbered<AnyKindConfig>(model.config, kept),
    pruned: model.config.pruned || budget !== undefined,
  };
  return { config, params } as M;
}

/** {@link assembleFactored} on every engine. With a budget it waits until the factors are read back. */
export async function assembleFactoredAsync<M extends AnyKindModel>(
  model: M,
  options: AssembleOptions = {},
): Promise<M> {
  checkOptions('assembleFactoredAsync', options);
  if (options.budget) {
    const { learngenes }: NetworkParams = model.params;
    const kept = keptGroups(model.config, options.groups);
    const factors = kept.map(({ name }) => factorsOf(tailorsOf(model.params, name), networkOf(model.config)));
    await prefetch(learngenes, ...factors);
  }
  return assembleFactored(model, options);
}

function checkOptions(of: string, options: AssembleOptions): void {
  checkOptionNames(of, options, ['groups', 'budget']);
  checkNames('groups', options.groups);
  if (options.budget !== undefined) checkBudget(options.budget);
}

function keptGroups({ groups }: AnyKindConfig, names?: readonly string[]): readonly TailorGroup[] {
  if (!names) return groups;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`groups: expected each group once, got '${twice}' twice`);
  return names.map((name) => groupByName(groups, name));
}

/** The rows of the classes of a group that stay: those of whose groups all are kept. */
function rowsKept(config: AnyKindConfig, kept: readonly TailorGroup[], group: TailorGroup): number[] {
  const gates = classGates(config.groups);
  const isKept = (id: number) => gates.get(id)!.groups.every((index) => kept.includes(config.groups[index]));
  const rows = group.classes.flatMap((id, row) => (isKept(id) ? [row] : []));
  if (rows.length > 0) return rows;
  const others = gates.get(group.classes[0])!.groups.map((index) => config.groups[index].name);
  const names = listNames(others.filter((name) => name !== group.name));
  throw new Error(`groups: expected all groups of a class of '${group.name}', which needs ${names} too`);
}

/**
 * The config that {@link assembleFactored} gives without a budget; makes no tensor.
 *
 * @param groups - names of the groups to keep (default all).
 * @throws on an unknown or repeated group, and on a group of which no class stays
 */
export function assembledConfig<C extends AnyKindConfig>(config: C, groups?: readonly string[]): C {
  checkNames('groups', groups);
  return renumbered(config, keptGroups(config, groups));
}

function renumbered<C extends AnyKindConfig>(config: C, kept: readonly TailorGroup[]): C {
  const ids = new Map<number, number>();
  const groups = kept.map((group) => {
    const rows = rowsKept(config, kept, group);
    for (const row of rows) if (!ids.has(group.classes[row])) ids.set(group.classes[row], ids.size);
    const { classNames } = group;
    const names = classNames && { classNames: rows.map((row) => classNames[row]) };
    return { ...group, classes: rows.map((row) => ids.get(group.classes[row])!), ...names };
  });
  const result = withClasses<AnyKindConfig>({ ...config, groups }, Math.max(1, ids.size));
  validateKindConfig(result);
  return result as C;
}

/** A model of any network. Its configuration and parameters fit each other; TypeScript does not check that here. */
interface Model {
  readonly config: AnyKindConfig;
  readonly params: NetworkParams;
}

/** The model of some groups. It shares all tensors with `model` except the rows of a soft gate and of classes in several groups. */
function pickGroups({ config, params }: Model, kept: readonly TailorGroup[]): Model {
  const { gate, shared, learngenes } = params;
  const tailors = Object.fromEntries(kept.map((group) => [group.name, tailorsKept({ config, params }, kept, group)]));
  const rows = kept.map((group) => config.groups.indexOf(group));
  return {
    config: renumbered(config, kept),
    params: { shared, learngenes, tailors, ...(gate && { gate: pickRows(gate, rows) }) },
  };
}

/** What a kept group owns. A row of a class in several groups is that of the first one in the old order. */
function tailorsKept({ config, params }: Model, kept: readonly TailorGroup[], group: TailorGroup): ParamTree {
  const own = tailorsOf(params, group.name);
  if (!sharesClasses(config.groups, group)) return own;
  const places = classPlaces(config.groups);
  const rows = rowsKept(config, kept, group).map((row) => {
    const place = places.get(group.classes[row])!;
    const tables = flattenParams(rowsIn(tailorsOf(params, config.groups[place.group].name), networkOf(config)));
    return { tables, row: place.row };
  });
  const names = [...rows[0].tables.keys()];
  const rowsOf = (name: string) =>
    tf.concat(
      rows.map(({ tables, row }) => tf.slice(tables.get(name)!, row, 1)),
      0,
    ); // [classes that stay, ...]
  return { ...own, ...unflattenParams(new Map(names.map((name) => [name, rowsOf(name)]))) };
}

function pickRows({ weight, bias }: LinearParams, rows: readonly number[]): LinearParams {
  const index = tf.tensor1d([...rows], 'int32');
  return { weight: tf.gather(weight, index), ...(bias && { bias: tf.gather(bias, index) }) };
}

/** The model within a budget. */
function cut(model: Model, budget: AssemblyBudget): NetworkParams {
  if (fits(countAssembled(model), budget)) return cloneParams<ParamTree>(model.params) as NetworkParams;
  checkMinimum(model, budget); // before anything is read or computed
  const ordered = { config: model.config, params: singular(model) };
  return prune(ordered, chooseComponents(ordered, budget));
}

/**
 * The same factored layers in singular components. The learngenes are re-factored together, and so are the tailors of
 * each group.
 */
function singular({ config, params }: Model): NetworkParams {
  const { layers } = networkOf(config);
  const tailors = config.groups.map(({ name: group }): [string, ParamTree] => {
    const own = tailorsOf(params, group);
    const factors = layerTree(layers, ({ name }) => {
      const layer = subTree<LowRankFactors>(own, name);
      return layer && orthogonalizeFactored(layer);
    });
    return [group, { ...own, ...factors }];
  });
  const learngenes = layerTree(layers, ({ name }) =>
    orthogonalizeFactored(subTree<FactoredParams>(params.learngenes, name)!),
  );
  return { ...params, learngenes, tailors: Object.fromEntries(tailors) };
}

function prune({ config, params }: Model, chosen: ChosenComponents): NetworkParams {
  const network = networkOf(config);
  const { shared, gate } = params;
  const tailors = config.groups.map(({ name: group }): [string, ParamTree] => {
    const own = tailorsOf(params, group);
    const factors = layerTree(network.layers, ({ name }) => {
      const indices = chosen.tailors.get(group)?.get(name) ?? [];
      return indices.length ? selectComponents(subTree<LowRankFactors>(own, name)!, indices) : undefined;
    });
    return [group, { ...factors, ...cloneParams(rowsIn(own, network)) }];
  });
  return {
    shared: cloneParams(shared),
    learngenes: layerTree(network.layers, ({ name }) =>
      selectComponents(subTree<FactoredParams>(params.learngenes, name)!, chosen.learngenes.get(name)!),
    ),
    tailors: Object.fromEntries(tailors),
    ...(gate && { gate: cloneParams(gate) }),
  };
}

/** The factored layers of a group's tailors. */
function factorsOf(tailors: ParamTree, { layers }: KindNetwork): ParamTree {
  return layerTree(layers, ({ name }) => subTree<ParamTree>(tailors, name));
}
