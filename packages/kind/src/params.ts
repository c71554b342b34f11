import { type DitBaseParams, embedClasses } from '@learngene/dit';
import type { LinearParams, LowRankFactors, ParamTree } from '@learngene/nn';
import type { FactoredParams } from '@learngene/tensor-svd';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { KindConfig } from './config';

/** One entry a block, '0' first, of the six main layers; T is absent where a pruned layer has no component. */
export type MainLayers<T> = Readonly<
  Record<
    string,
    {
      /** Attention: queries, keys, values and output projection. */
      readonly attn: {
        /** Queries, D to D. */
        readonly q: T;
        /** Keys, D to D. */
        readonly k: T;
        /** Values, D to D. */
        readonly v: T;
        /** Output projection, D to D. */
        readonly o: T;
      };
      /** Perceptron. */
      readonly mlp: {
        /** D to M. */
        readonly in: T;
        /** M to D. */
        readonly out: T;
      };
    }
  >
>;

/** The dense parts of a KIND model: those of a DiT without label table and main weights, and the null label's row. */
export type SharedParams = Omit<DitBaseParams, 'label' | 'blocks'> & {
  /** Label embedding. */
  readonly label: {
    /** [1, D], the embedding of a dropped label. */
    readonly null: Tensor2D;
  };
  /** Blocks by number. */
  readonly blocks: Readonly<
    Record<
      string,
      {
        /** [6D, D]. */
        readonly adaln: LinearParams;
      }
    >
  >;
};

/** The components that every class uses, and the biases of the main layers. */
export type LearngeneParams = Readonly<{
  /** Factored main layers by block. */
  blocks: MainLayers<FactoredParams>;
}>;

/** What one group owns. */
export type TailorParams = Readonly<{
  /** Factors of the main layers by block; a pruned layer may be absent. */
  blocks: MainLayers<LowRankFactors | undefined>;
  /** Label embedding of the group's classes. */
  label: {
    /** [classes of the group, D], rows in the order of the group's `classes`. */
    readonly rows: Tensor2D;
  };
}>;

/** A KIND model: parameters by piece, f32. Each piece is a file of a bundle. */
export type KindParams = Readonly<{
  /** Dense parts. */
  shared: SharedParams;
  /** What all classes use. */
  learngenes: LearngeneParams;
  /** What a group owns, by group name. Leaves of its own, so that a step touches only the groups in its batch. */
  tailors: Readonly<Record<string, TailorParams>>;
  /** The soft gate G: label embedding to one logit a group, weight [groups, D]; absent with a binary gate. */
  gate?: LinearParams;
}>;

/** A config and the parameters made for it. */
export interface KindModel {
  /** Shapes, groups and gate. */
  readonly config: KindConfig;
  /** Parameters. */
  readonly params: KindParams;
}

/** The sub-tree at a dotted name such as 'blocks.3.attn.q'; undefined where there is none. */
export function subTree<T>(tree: ParamTree, name: string): T | undefined {
  let node: unknown = tree;
  for (const part of name.split('.')) node = (node as Record<string, unknown> | undefined)?.[part];
  return node as T | undefined;
}

/** Main layers by block from one value a layer name. */
export function mainLayers<T>(names: readonly string[], value: (name: string) => T): MainLayers<T> {
  const blocks: Record<string, Record<string, Record<string, T>>> = {};
  for (const name of names) {
    const [, block, part, layer] = name.split('.');
    const parts = (blocks[block] ??= { attn: {}, mlp: {} });
    parts[part][layer] = value(name);
  }
  return blocks as unknown as MainLayers<T>;
}

/** The tailors of a group; throws when they are not in the tree. */
export function tailorsOf(params: KindParams, group: string): TailorParams {
  const tailors = Object.hasOwn(params.tailors, group) ? params.tailors[group] : undefined;
  if (!tailors) throw new Error(`params: the tailors of group '${group}' are not loaded`);
  return tailors;
}

/**
 * Label embeddings [N, D] from the label rows of the groups named and the null row, see `embedClasses` of
 * `@learngene/dit`.
 *
 * @param ids - [N] class ids, each in one of `groups`, or the null label.
 */
export function embedLabels(
  params: KindParams,
  ids: Int32Array,
  { config, groups }: { config: KindConfig; groups: readonly string[] },
): Tensor2D {
  return embedClasses(ids, {
    groups: config.groups,
    active: groups,
    rowsOf: (group) => tailorsOf(params, group).label.rows,
    nullRow: params.shared.label.null,
  });
}
