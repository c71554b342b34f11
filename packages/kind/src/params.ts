import { type DitBaseParams, embedClasses } from '@learngene/dit';
import type { LinearParams, LowRankFactors, ParamTree } from '@learngene/nn';
import type { FactoredParams } from '@learngene/tensor-svd';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { type AnyKindConfig, type KindConfig, type NetworkKindConfig, networkOf } from './config-types';
import { type FactoredLayer, type KindNetwork, topOf } from './network';

/**
 * The six main layers of every block, by block number, '0' first. An entry is undefined where a pruned layer has no
 * component.
 */
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

/** A KIND model of a Diffusion Transformer: parameters by part, f32. Each part is a file of a bundle. */
export type KindParams = Readonly<{
  /** Dense parts. */
  shared: SharedParams;
  /** What all classes use. */
  learngenes: LearngeneParams;
  /**
   * What each group owns, by group name. Every group has its own tensors, so a step touches only the groups in its
   * batch.
   */
  tailors: Readonly<Record<string, TailorParams>>;
  /** The soft gate G: label embedding to one logit a group, weight [groups, D]; absent with a binary gate. */
  gate?: LinearParams;
}>;

/** A KIND model of any network: parameters by part, f32. Each part is a file of a bundle. */
export type NetworkParams = Readonly<{
  /** Dense parts, named as in `network.shared`. */
  shared: ParamTree;
  /** What all classes use: `u`, `s`, `v` and `bias` of every factored layer. */
  learngenes: ParamTree;
  /** By group name: `u`, `s` and `v` of the factored layers, and the group's tables of `network.rows`. */
  tailors: Readonly<Record<string, ParamTree>>;
  /** The soft gate G: class embedding to one logit a group, weight [groups, D]; absent with a binary gate. */
  gate?: LinearParams;
}>;

/** A config and the parameters made for it. */
export interface KindModel {
  /** Shapes, groups and gate. */
  readonly config: KindConfig;
  /** Parameters. */
  readonly params: KindParams;
}

/** A config of another network than a Diffusion Transformer, and the parameters made for it. */
export interface NetworkKindModel {
  /** Network, groups and gate. */
  readonly config: NetworkKindConfig;
  /** Parameters. */
  readonly params: NetworkParams;
}

/** A KIND model of any network. */
export type AnyKindModel = KindModel | NetworkKindModel;

/** The parameters of a configuration. */
export type ParamsOf<C extends AnyKindConfig> = C extends KindConfig ? KindParams : NetworkParams;

/** The sub-tree at a dotted name such as 'blocks.3.attn.q'; undefined where there is none. */
export function subTree<T>(tree: ParamTree, name: string): T | undefined {
  return nodeAt(tree, name.split('.'));
}

/** The sub-tree at the parts of a dotted name. */
export function nodeAt<T>(tree: ParamTree, path: readonly string[]): T | undefined {
  let node: unknown = tree;
  for (const part of path) node = (node as Record<string, unknown> | undefined)?.[part];
  return node as T | undefined;
}

/** A tree with one node, leaf or sub-tree, at every layer's dotted name. */
export function layerTree(layers: readonly FactoredLayer[], node: (layer: FactoredLayer) => Node): ParamTree {
  const tree: { [key: string]: Node } = {};
  for (const layer of layers) {
    const path = layer.name.split('.');
    const last = path.pop()!;
    let parent = tree;
    for (const part of path) parent = (parent[part] ??= {}) as typeof tree;
    parent[last] = node(layer);
  }
  return tree;
}

type Node = ParamTree[string];

/** The class tables of a group: what its tailors hold beside the factored layers. */
export function rowsIn(tailors: ParamTree, { layers }: KindNetwork): ParamTree {
  const tops = new Set(layers.map(({ name }) => topOf(name)));
  return Object.fromEntries(Object.entries(tailors).filter(([key]) => !tops.has(key)));
}

/** The tailors of a group; throws when they are not in the tree. */
export function tailorsOf<T extends ParamTree>(
  { tailors }: { tailors: Readonly<Record<string, T>> },
  group: string,
): T {
  const own = Object.hasOwn(tailors, group) ? tailors[group] : undefined;
  if (!own) throw new Error(`params: the tailors of group '${group}' are not loaded`);
  return own;
}

/**
 * Class embeddings [N, D] from the rows of the groups named and the null row, see `embedClasses` of `@learngene/dit`.
 *
 * @param ids - [N] class ids, each in one of `groups`, or the null label.
 */
export function embedLabels(
  params: NetworkParams,
  ids: Int32Array,
  { config, groups }: { config: AnyKindConfig; groups: readonly string[] },
): Tensor2D {
  const { embedding } = networkOf(config);
  if (!embedding) throw new Error('network: expected one with class embeddings, got none');
  return embedClasses(ids, {
    groups: config.groups,
    active: groups,
    rowsOf: (group) => subTree<Tensor2D>(tailorsOf(params, group), embedding.rows)!,
    nullRow: subTree<Tensor2D>(params.shared, embedding.null)!,
  });
}
