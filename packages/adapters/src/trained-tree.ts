import { flattenParams, type ParamTree, unflattenParams } from '@learngene/nn';

/** The sub-tree of the leaves whose names are accepted. It holds the same tensors. */
export function trainedTree(tree: ParamTree, accepts: (name: string) => boolean): ParamTree {
  return unflattenParams(new Map([...flattenParams(tree)].filter(([name]) => accepts(name))));
}
