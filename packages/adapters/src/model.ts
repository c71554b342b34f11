import type { DitBaseParams, DitConfig } from '@learngene/dit';
import { type ClassGroup, disposeParams, flattenParams, type ParamTree } from '@learngene/nn';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { AdapterConfig } from './methods';

/** Everything that decides an adapted model's shapes and numbers. Plain JSON. */
export interface AdaptedConfig {
  /** The architecture; `classes` are those of the groups, numbered 0 to n - 1, and n is the null label. */
  readonly dit: DitConfig;
  /** The method. */
  readonly adapter: AdapterConfig;
  /** Who shares an adapter: one group of all classes, one group a class, or anything between. */
  readonly groups: readonly ClassGroup[];
  /**
   * What a sample without a label uses. 'base': no adapter, so that guidance is against the base model. 'own-class': a
   * dropped label keeps the adapter of the class it had; the null label itself uses the adapter when there is only one
   * group, the ordinary way of a shared adapter, and the base model when there are more.
   */
  readonly nullGate: 'base' | 'own-class';
}

/** What one group trains. */
export type AdapterParams = Readonly<{
  /**
   * The method's tensors: by main layer ('blocks.0.attn.q.a'), or by the names of the weights whose place they take
   * ('blocks.0.adaln.bias', 'label.null').
   */
  layers: ParamTree;
  /** Label embedding of the group's classes. */
  label: {
    /** [classes of the group, D], rows in the order of the group's `classes`. */
    readonly rows: Tensor2D;
  };
}>;

/** The part of a model that is never trained: a DiT without label table, whose main layers have the method's form. */
export type FrozenParams = DitBaseParams & {
  /** Label embedding. */
  readonly label: {
    /** [1, D], the null label's row. */
    readonly null: Tensor2D;
  };
};

/** A base model with adapters; f32 tensors of its own, owned by the caller: see {@link disposeAdapted}. */
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
 * The trainable tensors of some groups as a tree by group name, for `valueAndGrad` and an optimiser; put new ones into
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
