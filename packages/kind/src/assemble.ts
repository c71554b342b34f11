import { blockLinearNames } from '@learngene/dit';
import {
  cloneParams,
  groupByName,
  type LinearParams,
  type LowRankFactors,
  type ParamTree,
  prefetch,
  readingBack,
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
import { type KindConfig, validateKindConfig } from './config';
import { countAssembled } from './count-assembled';
import { checkNames, checkOptionNames } from './option-names';
import { type KindModel, type KindParams, mainLayers, subTree, type TailorParams, tailorsOf } from './params';
import type { TailorGroup } from './tailor-groups';

/** What {@link assembleFactored} keeps. */
export interface AssembleOptions {
  /** Names of the groups to keep, in the order their classes shall have (default all); `[]`: learngenes only. */
  readonly groups?: readonly string[];
  /** What the model may cost; without it all components stay. */
  readonly budget?: AssemblyBudget;
}

/**
 * A KIND model of the chosen groups: learngenes, their tailors and label rows, optionally cut to a budget.
 *
 * Class ids are counted anew from 0 in the order of the groups' classes, and `config.dit.classes` is their number
 * (1, a class that is in no group, when there is no group: every sample then has the null label). A soft gate keeps the
 * rows of these groups, so its softmax spreads over them alone.
 *
 * A whole within the budget stays as it is. Otherwise every layer's learngenes and every group's tailors are first
 * re-factored into their singular components, exactly: trained factors are far from orthogonal, and a component as
 * trained says little of what the layer loses without it. Then all components of all layers compete, learngenes and
 * tailors, by energy s_i² for what they cost in the budget's unit; for parameters and bytes a tailor costs the more the
 * fewer of the classes it serves (by the root of their share). The best of them are taken until the next one would exceed
 * the budget, so that a smaller cut to the same unit is a part of a bigger one. The best learngene component of every
 * layer is kept first, and all dense parts. With a budget, factors are read back and decomposed in float64 on the processor.
 *
 * @param model - never disposed; the tailors of the chosen groups must be loaded.
 * @returns New tensors that the caller owns; `config.pruned` is true with a budget. Throws on an unknown or repeated group,
 *   on an unknown option or unit of the budget, and on a budget below the minimum, naming it; `ReadBackError` with a budget
 *   on WebGPU, which reads asynchronously.
 */
export function assembleFactored(model: KindModel, options: AssembleOptions = {}): KindModel {
  checkOptions('assembleFactored', options);
  const { groups, budget } = options;
  const kept = keptGroups(model.config, groups);
  const assembled = () => {
    const picked = pickGroups(model, kept);
    return (budget ? cut(picked, budget) : cloneParams(picked.params)) as unknown as TensorContainer;
  };
  const pieces = readingBack('assembleFactored', () => tf.tidy(assembled)) as unknown as KindParams;
  const config = { ...renumbered(model.config, kept), pruned: model.config.pruned || budget !== undefined };
  return { config, params: pieces };
}

/** {@link assembleFactored} on every engine: waits for the factors that a budget makes it read. */
export async function assembleFactoredAsync(model: KindModel, options: AssembleOptions = {}): Promise<KindModel> {
  checkOptions('assembleFactoredAsync', options);
  if (options.budget) {
    const { learngenes } = model.params;
    const tailors = keptGroups(model.config, options.groups).map(({ name }) => tailorsOf(model.params, name).blocks);
    await prefetch(...([learngenes, ...tailors] as unknown as ParamTree[]));
  }
  return assembleFactored(model, options);
}

function checkOptions(of: string, options: AssembleOptions): void {
  checkOptionNames(of, options, ['groups', 'budget']);
  checkNames('groups', options.groups);
  if (options.budget !== undefined) checkBudget(options.budget);
}

function keptGroups({ groups }: KindConfig, names?: readonly string[]): readonly TailorGroup[] {
  if (!names) return groups;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`groups: expected each group once, got '${twice}' twice`);
  return names.map((name) => groupByName(groups, name));
}

function renumbered(config: KindConfig, kept: readonly TailorGroup[]): KindConfig {
  let next = 0;
  const groups = kept.map((group) => ({ ...group, classes: group.classes.map(() => next++) }));
  const result = { ...config, groups, dit: { ...config.dit, classes: Math.max(1, next) } };
  validateKindConfig(result);
  return result;
}

/** The model of some groups over the same tensors, but for the soft gate's rows. */
function pickGroups({ config, params }: KindModel, kept: readonly TailorGroup[]): KindModel {
  const { gate, shared, learngenes } = params;
  const tailors = Object.fromEntries(kept.map(({ name }) => [name, tailorsOf(params, name)]));
  const rows = kept.map((group) => config.groups.indexOf(group));
  return {
    config: renumbered(config, kept),
    params: { shared, learngenes, tailors, ...(gate && { gate: pickRows(gate, rows) }) },
  };
}

function pickRows({ weight, bias }: LinearParams, rows: readonly number[]): LinearParams {
  const index = tf.tensor1d([...rows], 'int32');
  return { weight: tf.gather(weight, index), ...(bias && { bias: tf.gather(bias, index) }) };
}

/** The model within a budget. */
function cut(model: KindModel, budget: AssemblyBudget): KindParams {
  if (fits(countAssembled(model), budget)) return cloneParams(model.params);
  checkMinimum(model, budget); // before anything is read or computed
  const ordered = { config: model.config, params: singular(model) };
  return prune(ordered, chooseComponents(ordered, budget));
}

/** The same main weights by singular components, learngenes and every group's tailors each by themselves. */
function singular({ config, params }: KindModel): KindParams {
  const names = blockLinearNames(config.dit);
  const tailors = config.groups.map(({ name: group }): [string, TailorParams] => {
    const own = tailorsOf(params, group);
    const blocks = mainLayers(names, (name): LowRankFactors | undefined => {
      const factors = subTree<LowRankFactors>(own, name);
      return factors && orthogonalizeFactored(factors);
    });
    return [group, { ...own, blocks }];
  });
  const common = (name: string) => orthogonalizeFactored(subTree<FactoredParams>(params.learngenes, name)!);
  return { ...params, learngenes: { blocks: mainLayers(names, common) }, tailors: Object.fromEntries(tailors) };
}

function prune({ config, params }: KindModel, chosen: ChosenComponents): KindParams {
  const names = blockLinearNames(config.dit);
  const { shared, gate } = params;
  const tailors = config.groups.map(({ name: group }): [string, TailorParams] => {
    const own = tailorsOf(params, group);
    const blocks = mainLayers(names, (name): LowRankFactors | undefined => {
      const indices = chosen.tailors.get(group)?.get(name) ?? [];
      return indices.length ? selectComponents(subTree<LowRankFactors>(own, name)!, indices) : undefined;
    });
    return [group, { blocks, label: { rows: tf.clone(own.label.rows) } }];
  });
  return {
    shared: cloneParams(shared),
    learngenes: {
      blocks: mainLayers(names, (name) =>
        selectComponents(subTree<FactoredParams>(params.learngenes, name)!, chosen.learngenes.get(name)!),
      ),
    },
    tailors: Object.fromEntries(tailors),
    ...(gate && { gate: cloneParams(gate) }),
  };
}
