import type { DitConfig, DitParams } from '@learngene/dit';
import {
  classGates,
  classPlaces,
  cloneParams,
  groupByName,
  type LinearParams,
  type LowRankFactors,
  listNames,
} from '@learngene/nn';
import { composeDense, concatComponents, type FactoredParams } from '@learngene/tensor-svd';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { KindConfig } from './config-types';
import { ditNetwork } from './dit-network';
import { checkFlag, checkOptionNames } from './option-names';
import { type KindModel, layerTree, type MainLayers, subTree, tailorsOf } from './params';
import { openedGates, type TailorGroup } from './tailor-groups';

/** What {@link assembleDense} composes. */
export interface AssembleDenseOptions {
  /** Name of the group (default: the only one, or the first where every class is in all). */
  readonly group?: string;
  /**
   * Whether the weights hold the tailors of the group (default true). Without them they are those of the learngenes, beside the
   * group's rows of `label.table`: the model that the tailors are a LoRA adapter of.
   */
  readonly tailors?: boolean;
}

/** A plain Diffusion Transformer. */
export interface DenseModel {
  /** The configuration of the KIND model, with the number of classes of the group. */
  readonly config: DitConfig;
  /** Parameters, f32. */
  readonly params: DitParams;
}

/**
 * Makes the plain DiT of one group. Every main layer gets the weight W_c = sum of s_i u_i v_iᵀ over the learngenes and
 * the tailors of the group, and of further groups that all of its classes are in. Class i is the i-th class of the group; `label.table` holds the rows of its classes, then
 * the null row.
 *
 * A model without groups (`assembleFactored(model, { groups: [] })`) gives the class-agnostic DiT: its weights are
 * those of the learngenes, it has one class, and both rows of `label.table` are the null row, so either label means "no
 * class".
 *
 * A dense model has one weight, so its null label uses W_c too. The null label of the KIND model uses the learngenes
 * alone (with nullGate 'learngenes'). For the same guidance take the class-agnostic model as the unconditional branch.
 *
 * @param model - never disposed.
 * @returns New tensors that the caller owns.
 * @throws without `group` where classes have several weights, on an unknown group, for a group whose classes have several
 *   weights because some are in further groups, and for a soft gate with several groups,
 *   where every sample uses its own mixture of tailors
 */
export function assembleDense(model: KindModel, options: AssembleDenseOptions = {}): DenseModel {
  checkOptionNames('assembleDense', options, ['group', 'tailors']);
  const { tailors: hasTailors = true } = options;
  checkFlag('tailors', hasTailors);
  const { config, params } = model;
  const group = oneGroup(model, options.group);
  const all = group ? groupsOfWeight(config, group).map(({ name }) => tailorsOf(params, name)) : [];
  const built = tf.tidy(() => {
    const composed = layerTree(ditNetwork(config.dit).layers, ({ name }): LinearParams => {
      const common = subTree<FactoredParams>(params.learngenes, name);
      if (!common) throw new Error(`params: expected learngenes at ${name}, got none`);
      const tailors = hasTailors ? all.flatMap((own) => subTree<LowRankFactors>(own, name) ?? []) : [];
      return composeDense(tailors.length > 0 ? concatComponents(common, ...tailors) : common);
    }) as { blocks: MainLayers<LinearParams> };
    const { label, blocks, ...frame } = params.shared;
    const dense: DitParams = {
      ...cloneParams(frame),
      label: { table: tf.concat([...(group ? rowsOf(model, group) : [label.null]), label.null], 0) }, // [classes + 1, D]
      blocks: Object.fromEntries(
        Object.entries(blocks).map(([block, { adaln }]) => [
          block,
          { adaln: cloneParams(adaln), ...composed.blocks[block] },
        ]),
      ),
    };
    return dense as unknown as TensorContainer;
  }) as unknown as DitParams;
  return { config: { ...config.dit, classes: group ? group.classes.length : 1 }, params: built };
}

/** The groups whose tailors add to the weight of the classes of a group. */
function groupsOfWeight({ groups }: KindConfig, group: TailorGroup): TailorGroup[] {
  const gates = classGates(groups);
  const [first, ...others] = group.classes;
  const gate = gates.get(first)!;
  const other = others.find((id) => gates.get(id)!.order !== gate.order);
  if (other === undefined) return gate.groups.map((index) => groups[index]);
  const [mine, theirs] = [gate, gates.get(other)!].map((each) => listNames(each.groups.map((i) => groups[i].name)));
  throw new Error(
    `group: expected classes of one weight, got '${group.name}', whose class ${first} is in ${mine} and whose class ${other} is in ${theirs}`,
  );
}

/** The label rows [1, D] of the classes of a group, each from the first group that lists the class. */
function rowsOf({ config, params }: KindModel, { classes }: TailorGroup): tf.Tensor2D[] {
  const places = classPlaces(config.groups);
  return classes.map((id) => {
    const { group, row } = places.get(id)!;
    return tf.slice(tailorsOf(params, config.groups[group].name).label.rows, [row, 0], [1, -1]);
  });
}

function oneGroup({ config: { groups, gate } }: KindModel, name?: string): TailorGroup | undefined {
  const names = listNames(groups.map((group) => group.name));
  if (gate === 'soft' && groups.length > 1) {
    throw new Error(
      `model: expected one group, for a soft gate mixes them all, got ${names}; assembleFactored keeps one`,
    );
  }
  if (name !== undefined) return groupByName(groups, name);
  if (openedGates(groups).length > 1)
    throw new Error(`group: expected one of ${names}, for a dense model has one weight, got none`);
  return groups[0];
}
