import { flattenParams, type ParamTree, unflattenParams } from './tree';

/** The two parts that {@link splitParams} makes. */
export interface SplitParams {
  /** The leaves whose names the predicate accepts. */
  readonly selected: ParamTree;
  /** The other leaves. */
  readonly rest: ParamTree;
}

/**
 * Splits a tree by the dotted names of its leaves, for example to freeze one part. Take gradients of `selected`, and
 * inside the loss merge it with `rest` by {@link mergeParams}.
 *
 * @returns Two trees of the same tensors (nothing is copied); either may be empty.
 */
export function splitParams(tree: ParamTree, predicate: (name: string) => boolean): SplitParams {
  const leaves = [...flattenParams(tree)];
  return {
    selected: unflattenParams(new Map(leaves.filter(([name]) => predicate(name)))),
    rest: unflattenParams(new Map(leaves.filter(([name]) => !predicate(name)))),
  };
}

/**
 * The tree that has the leaves of both, those of `a` first.
 *
 * @returns A tree of the same tensors (nothing is copied).
 * @throws Error if both trees have a leaf of one name, or a leaf of one is a prefix in the other.
 */
export function mergeParams(a: ParamTree, b: ParamTree): ParamTree {
  const leaves = flattenParams(a);
  for (const [name, tensor] of flattenParams(b)) {
    if (leaves.has(name)) throw new Error(`params: ${name} is in both trees`);
    leaves.set(name, tensor);
  }
  return unflattenParams(leaves);
}
