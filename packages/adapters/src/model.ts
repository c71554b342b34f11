import type { DitBaseParams, DitConfig } from '@learngene/dit';
import { type ClassGroup, disposeParams, flattenParams, type ParamTree } from '@learngene/nn';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { AdapterConfig } from './methods';

/** Everything that determines the shapes and numbers of an adapted model. Plain JSON. */
export interface AdaptedConfig {
  /** The architecture. Its classes are those of the groups, 0 to n - 1; n is the null label. */
  readonly dit: DitConfig;
  /** The method. */
  readonly adapter: AdapterConfig;
  /**
   * The groups of classes that share an adapter: one group of all classes, one group for each class, or anything
   * between.
   */
  readonly groups: readonly ClassGroup[];
  /**
   * What a sample without a label uses. 'base': no adapter, so that guidance is against the base model. 'own-class': a
   * sample whose label was dropped keeps the adapter of its class. A sample with the null label has no class: it uses
   * the adapter if there is only one group (as a shared adapter commonly does), and the base model if there are more.
   */
  readonly nullGate: 'base' | 'own-class';
}

/** What one group trains. */
export type AdapterParams = Readonly<{
  /**
   * Tensors of the method: by main layer ('blocks.0.attn.q.a'), or by the names of the weights that they replace
   * ('blocks.0.adaln.bias', 'label.null').
   */
  layers: ParamTree;
  /** Label embedding of the group's classes. */
  label: {
    /** [classes of the group, D], rows in the order of the group's `classes`. */
    readonly rows: Tensor2D;
  };
}>;

/**
 * The part of a model that is never trained: a DiT without a label table. Its main layers have the form of the method.
 */
export type FrozenParams = DitBaseParams & {
  /** Label embedding. */
  readonly label: {
    /** [1, D], the null label's row. */
    readonly null: Tensor2D;
  };
};

/** A base model with adapters. The caller owns its f32 tensors, see {@link disposeAdapted}. */
export interface AdaptedModel {
  /** Shapes, method and groups. */
  readonly config: AdaptedConfig;
  /** What all groups share. */
  readonly frozen: FrozenParams;
  /** What each group trains, by group name. */
  readonly adapters: Readonly<Record<string, AdapterParams>>;
}

/** Disposes every tensor of a model. */
export function disposeAdapted({ frozen, adapters }: AdaptedModel): void {
  disposeParams(frozen);
  for (const params of Object.values(adapters)) disposeParams(params);
}

/**
 * The trainable tensors of some groups, a tree by group name for `valueAndGrad` and an optimiser. Put new tensors into
 * a model with `{ ...model, adapters: { ...model.adapters, ...trained } }`.
 *
 * @param groups - default: all.
 * @throws on a group that the model does not have
 */
export function trainableParams(
  { adapters }: AdaptedModel,
  groups: readonly string[] = Object.keys(adapters),
): Record<string, AdapterParams> {
  return Object.fromEntries(groups.map((name) => [name, adapterOf(adapters, name)]));
}

/** The adapter of a group; throws when it is not there. */
export function adapterOf(adapters: AdaptedModel['adapters'], group: string): AdapterParams {
  if (!Object.hasOwn(adapters, group)) {
    throw new Error(`group: expected one of ${Object.keys(adapters).slice(0, 8).join(', ')}, got '${group}'`);
  }
  return adapters[group];
}

/** Dotted names of what a group trains. */
export function trainableNames(model: AdaptedModel, group: string): string[] {
  return [...flattenParams(adapterOf(model.adapters, group)).keys()];
}
