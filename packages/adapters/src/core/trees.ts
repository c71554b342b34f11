import { blockLinearNames, type DitConfig } from '@learngene/dit';
import type { ParamTree } from '@learngene/nn';
import type { Tensor } from '@tensorflow/tfjs-core';

/** The tensors of one layer by name. */
export type Leaves = Readonly<Record<string, Tensor>>;

/** The sub-tree at a dotted name such as 'blocks.3.attn.q'; undefined where there is none. */
export function subTree<T>(tree: ParamTree, name: string): T | undefined {
  let node: unknown = tree;
  for (const part of name.split('.')) {
    node = node !== undefined && Object.hasOwn(node as object, part) ? (node as ParamTree)[part] : undefined;
  }
  return node as T | undefined;
}

/** A tree with the leaves of every main layer of a DiT, by block; without the layers that have none. */
export function mainLayers(dit: Pick<DitConfig, 'depth'>, leaves: (name: string) => Leaves | undefined): ParamTree {
  const blocks: Record<string, Record<string, Record<string, Leaves>>> = {};
  for (const name of blockLinearNames(dit as DitConfig)) {
    const [, block, part, layer] = name.split('.');
    const own = leaves(name);
    if (!own) continue;
    const parts = (blocks[block] ??= {});
    (parts[part] ??= {})[layer] = own;
  }
  return { blocks };
}

/** `base` with the leaves of `over` in place of or beside its own; neither is copied. */
export function overlay(base: ParamTree, over: ParamTree): ParamTree {
  const result: Record<string, Tensor | ParamTree | undefined> = { ...base };
  for (const [key, child] of Object.entries(over)) {
    const below = result[key];
    result[key] = isTree(child) && isTree(below) ? overlay(below, child) : child;
  }
  return result;
}

/** Whether a node of a tree is no leaf: tensors have a dtype, trees of parameters none. */
function isTree(node: Tensor | ParamTree | undefined): node is ParamTree {
  return node !== undefined && typeof (node as Tensor).dtype !== 'string';
}
