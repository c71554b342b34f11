import type { DitConfig, DitParams } from '@learngene/dit';
import { cloneParams, disposeParams, type ParamTree } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { layerConfig } from './core/layer-settings';
import { type Leaves, mainLayers, overlay, subTree } from './core/trees';
import { methodOf } from './methods';
import { type AdaptedModel, type AdapterParams, adapterOf, disposeAdapted } from './model';

/** A plain DiT with an adapter merged into its weights, and the adapted model to go back to. */
export interface MergedModel {
  /** The architecture; its classes are those of the group, in the order of the group's `classes`. */
  readonly config: DitConfig;
  /** Dense weights, for any program that knows DiT. */
  readonly params: DitParams;
  /** The adapted model, bit for bit. Shares data with `params` where both are equal. */
  readonly unmerged: AdaptedModel;
}

/**
 * Merges the adapter of one group into the weights of a plain DiT. It costs nothing at inference, and the output for
 * the classes of that group is the same up to rounding. Its null label sees the adapter too, as with nullGate
 * 'own-class'; for guidance against the base model merge with `group: null`.
 *
 * @param model - never disposed.
 * @param group - name of the group (default: the only one). With null the result is the base model, which has only the
 *   null label.
 * @returns tensors that the caller owns, see {@link disposeMerged}.
 * @throws on an unknown group, or none given of several
 */
export function mergeAdapters(model: AdaptedModel, group?: string | null): MergedModel {
  const { config, frozen } = model;
  const { dit, adapter, groups } = config;
  if (group === undefined && groups.length > 1) {
    throw new Error(`group: expected a name or null, the model has ${groups.length} groups`);
  }
  const name = group === undefined ? groups[0].name : group;
  const own = name === null ? undefined : adapterOf(model.adapters, name);
  const method = methodOf(adapter);
  const { params, kept } = tf.tidy(() => {
    const over =
      method.kind === 'overlay'
        ? (own?.layers ?? {})
        : mainLayers(dit, (layer) => {
            const weights = subTree<Leaves>(frozen, layer)!;
            const settings = layerConfig(adapter, layer);
            const leaves = own && subTree<Leaves>(own.layers, layer);
            return settings ? (method.merge(weights, leaves, settings) as Leaves) : weights;
          });
    const { label, blocks, ...frame } = overlay(withoutMain(frozen, method.kind), over);
    const none = (label as ParamTree).null as tf.Tensor2D;
    const table = own ? tf.concat([own.label.rows, none], 0) : tf.clone(none);
    const params = { ...cloneParams({ ...frame, blocks } as ParamTree), label: { table } } as DitParams;
    return { params, kept: tensorsOf(model) };
  });
  const classes = own ? own.label.rows.shape[0] : 0;
  return { config: { ...dit, classes }, params, unmerged: { config, ...kept } };
}

/**
 * Undoes a merge.
 *
 * @returns the adapted model, bit for bit as it was before the merge; the caller owns it
 */
export function unmergeAdapters({ unmerged }: MergedModel): AdaptedModel {
  return { config: unmerged.config, ...tensorsOf(unmerged) };
}

/** Disposes every tensor of a merged model. */
export function disposeMerged({ params, unmerged }: MergedModel): void {
  disposeParams(params);
  disposeAdapted(unmerged);
}

/** Clones of the tensors of a model, which share the data. */
function tensorsOf({ frozen, adapters }: AdaptedModel): Pick<AdaptedModel, 'frozen' | 'adapters'> {
  return { frozen: cloneParams(frozen), adapters: cloneParams(adapters as Record<string, AdapterParams>) };
}

/** The frozen tree without its main layers where the method gives them another form. */
function withoutMain(frozen: ParamTree, kind: 'layer' | 'overlay'): ParamTree {
  if (kind === 'overlay') return frozen;
  const adaln = Object.entries(frozen.blocks as ParamTree).map(([i, block]) => [
    i,
    { adaln: (block as ParamTree).adaln },
  ]);
  return { ...frozen, blocks: Object.fromEntries(adaln) };
}
