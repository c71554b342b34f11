import type { DitConfig, DitParams } from '@learngene/dit';
import { cloneParams, groupByName, type LinearParams, type LowRankFactors, listNames } from '@learngene/nn';
import { composeDense, concatComponents, type FactoredParams } from '@learngene/tensor-svd';
import type { TensorContainer } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { ditNetwork } from './dit-network';
import { checkFlag, checkOptionNames } from './option-names';
import { type KindModel, layerTree, type MainLayers, subTree, tailorsOf } from './params';
import type { TailorGroup } from './tailor-groups';

/** What {@link assembleDense} composes. */
export interface AssembleDenseOptions {
  /** Name of the group (default: the only one). */
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
 * the tailors of the group. Class i is the i-th class of the group; `label.table` holds the rows of its classes, then
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
 * @throws without `group` where the model has several, on an unknown group, and for a soft gate with several groups,
 *   where every sample uses its own mixture of tailors
 */
export function assembleDense(model: KindModel, options: AssembleDenseOptions = {}): DenseModel {
  checkOptionNames('assembleDense', options, ['group', 'tailors']);
  const { tailors: hasTailors = true } = options;
  checkFlag('tailors', hasTailors);
  const { config, params } = model;
  const group = oneGroup(model, options.group);
  const own = group && tailorsOf(params, group.name);
  const built = tf.tidy(() => {
    const composed = layerTree(ditNetwork(config.dit).layers, ({ name }): LinearParams => {
      const common = subTree<FactoredParams>(params.learngenes, name);
      if (!common) throw new Error(`params: expected learngenes at ${name}, got none`);
      const tailor = hasTailors && own && subTree<LowRankFactors>(own, name);
      return composeDense(tailor ? concatComponents(common, tailor) : common);
    }) as { blocks: MainLayers<LinearParams> };
    const { label, blocks, ...frame } = params.shared;
    const dense: DitParams = {
      ...cloneParams(frame),
      label: { table: tf.concat([own ? own.label.rows : label.null, label.null], 0) }, // [classes + 1, D]
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

function oneGroup({ config: { groups, gate } }: KindModel, name?: string): TailorGroup | undefined {
  const names = listNames(groups.map((group) => group.name));
  if (gate === 'soft' && groups.length > 1) {
    throw new Error(
      `model: expected one group, for a soft gate mixes them all, got ${names}; assembleFactored keeps one`,
    );
  }
  if (name !== undefined) return groupByName(groups, name);
  if (groups.length > 1) throw new Error(`group: expected one of ${names}, for a dense model has one weight, got none`);
  return groups[0];
}
