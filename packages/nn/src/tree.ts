import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Parameters of a model: a nested readonly object whose leaves are tensors. A field that is `undefined` is absent.
 * Names of leaves are joined with dots (`blocks.0.attn.q.weight`), the keys of a safetensors file.
 */
export interface ParamTree {
  readonly [name: string]: Tensor | ParamTree | undefined;
}

/** True for a leaf, false for a sub-tree. */
function isTensor(node: Tensor | ParamTree): node is Tensor {
  return node instanceof tf.Tensor;
}

/**
 * The leaves of a tree by their dotted names, in insertion order.
 *
 * @returns A map of the same tensors (nothing is copied, the tree keeps owning them).
 * @throws Error if two leaves have the same dotted name.
 */
export function flattenParams(tree: ParamTree): Map<string, Tensor> {
  const leaves = new Map<string, Tensor>();
  const visit = (node: ParamTree, prefix: string): void => {
    for (const [key, child] of Object.entries(node)) {
      if (child === undefined) continue;
      const name = prefix + key;
      if (!isTensor(child)) visit(child, `${name}.`);
      else if (leaves.has(name)) throw new Error(`params: two leaves are named ${name}`);
      else leaves.set(name, child);
    }
  };
  visit(tree, '');
  return leaves;
}

/**
 * The leaves of a tree in the order of {@link flattenParams}, where their names do not matter.
 *
 * @returns The same tensors (the tree keeps owning them).
 */
export function paramLeaves(tree: ParamTree): Tensor[] {
  const leaves: Tensor[] = [];
  const visit = (node: ParamTree): void => {
    for (const key of Object.keys(node)) {
      const child = node[key];
      if (child === undefined) continue;
      if (isTensor(child)) leaves.push(child);
      else visit(child);
    }
  };
  visit(tree);
  return leaves;
}

/**
 * The tree whose leaves have the given dotted names; the inverse of {@link flattenParams}.
 *
 * @returns A tree of the same tensors (nothing is copied).
 * @throws Error if one name is both a leaf and the prefix of another, or has an empty part.
 */
export function unflattenParams(map: ReadonlyMap<string, Tensor>): ParamTree {
  interface Mutable {
    [name: string]: Tensor | Mutable;
  }
  const tree: Mutable = Object.create(null);
  for (const [name, tensor] of map) {
    const path = name.split('.');
    if (path.includes('')) throw new Error(`params: expected a name of non-empty parts, got '${name}'`);
    const last = path.pop() as string;
    let node = tree;
    for (const part of path) {
      const next = (node[part] ??= Object.create(null) as Mutable);
      if (next instanceof tf.Tensor) throw new Error(`params: ${name} lies below a leaf`);
      node = next;
    }
    if (last in node) throw new Error(`params: ${name} is both a leaf and a prefix`);
    node[last] = tensor;
  }
  return plain(tree);
}

/**
 * Null-prototype objects make a hostile name such as `__proto__` harmless while the tree is built. Copies have a plain
 * prototype.
 */
function plain(tree: { [name: string]: Tensor | object }): ParamTree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [
      key,
      child instanceof tf.Tensor ? child : plain(child as { [name: string]: Tensor | object }),
    ]),
  );
}

/**
 * A tree of the same structure with every leaf replaced by `f(leaf, dottedName)`.
 *
 * @returns A new tree; the caller owns the tensors that `f` made.
 */
export function mapParams<T extends ParamTree>(f: (tensor: Tensor, name: string) => Tensor, tree: T): T {
  const visit = (node: ParamTree, prefix: string): ParamTree => {
    const copy: MutableTree = {};
    for (const key of Object.keys(node)) {
      const child = node[key];
      if (child === undefined) continue;
      put(copy, key, isTensor(child) ? f(child, prefix + key) : visit(child, `${prefix}${key}.`));
    }
    return copy;
  };
  return visit(tree, '') as T;
}

interface MutableTree {
  [name: string]: Tensor | ParamTree;
}

/** Sets a field; a hostile name such as `__proto__` is a field like any other. */
function put(tree: MutableTree, key: string, value: Tensor | ParamTree): void {
  if (key === '__proto__')
    Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
  else tree[key] = value;
}

/** Number of elements of all leaves. */
export function countParams(tree: ParamTree): number {
  return paramLeaves(tree).reduce((count, { size }) => count + size, 0);
}

/** Bytes of all leaves in their dtype (float32: 4 an element). */
export function paramBytes(tree: ParamTree): number {
  return paramLeaves(tree).reduce((sum, { size, dtype }) => sum + size * tf.util.bytesPerElement(dtype), 0);
}

/** Disposes every leaf. Leaves that are disposed already are skipped. */
export function disposeParams(tree: ParamTree): void {
  for (const tensor of paramLeaves(tree)) if (!tensor.isDisposed) tensor.dispose();
}

/**
 * Disposes the tensors of trees that are not in others: what a step replaced. Trees that are in both are skipped, so the
 * cost depends only on what changed.
 */
export function disposeReplacedParams(before: readonly ParamTree[], after: readonly ParamTree[]): void {
  const [former, untouched] = [new Set(before), new Set(after)];
  const replaced = before.filter((tree) => !untouched.has(tree));
  if (replaced.length === 0) return;
  const kept = new Set(after.filter((tree) => !former.has(tree)).flatMap(paramLeaves));
  for (const tensor of replaced.flatMap(paramLeaves)) if (!kept.has(tensor) && !tensor.isDisposed) tensor.dispose();
}

/**
 * Clones every leaf. The clones share the immutable data, and no bytes are copied.
 *
 * @returns A tree that the caller owns; disposing it leaves the original alive.
 */
export function cloneParams<T extends ParamTree>(tree: T): T {
  return mapParams((tensor) => tf.clone(tensor), tree);
}

/**
 * The leaves of `tree` in the order of `template`, which must have the same names and shapes; for ops over two trees.
 *
 * @param what Name of the tree in the error message.
 */
export function leavesLike(template: ParamTree, tree: ParamTree, what: string): Tensor[] {
  const together: Tensor[] = [];
  if (walkTogether(template, tree, together)) return together;
  const leaves = flattenParams(tree);
  return [...flattenParams(template)].map(([name, { shape }]) => {
    const leaf = leaves.get(name);
    if (!leaf) throw new Error(`${what}: ${name} is missing`);
    if (!tf.util.arraysEqual(leaf.shape, shape)) {
      throw new Error(`${what}: ${name}: expected [${shape.join(', ')}], got [${leaf.shape.join(', ')}]`);
    }
    return leaf;
  });
}

/** Adds the leaves of `tree` in the order of `template`. Returns false where the two do not have the same fields. */
function walkTogether(template: ParamTree, tree: ParamTree, leaves: Tensor[]): boolean {
  for (const key of Object.keys(template)) {
    const child = template[key];
    if (child === undefined) continue;
    const other = tree[key];
    if (other === undefined || isTensor(child) !== isTensor(other)) return false;
    if (!isTensor(child)) {
      if (!walkTogether(child, other as ParamTree, leaves)) return false;
    } else if (tf.util.arraysEqual(child.shape, (other as Tensor).shape)) leaves.push(other as Tensor);
    else return false;
  }
  return true;
}

/** A tree like `template` whose leaves are `leaves`, in the order of {@link flattenParams}. */
export function replaceLeaves<T extends ParamTree>(template: T, leaves: readonly Tensor[]): T {
  let next = 0;
  const visit = (node: ParamTree): ParamTree => {
    const copy: MutableTree = {};
    for (const key of Object.keys(node)) {
      const child = node[key];
      if (child !== undefined) put(copy, key, isTensor(child) ? leaves[next++] : visit(child));
    }
    return copy;
  };
  return visit(template) as T;
}
