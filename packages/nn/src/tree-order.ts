import { Tensor } from '@tensorflow/tfjs-core';
import { countParams, leavesLike, type ParamTree, replaceLeaves } from './tree';

/**
 * The same tensors with the names of every level in one fixed order. The global norm of the gradient sums in the order
 * of the names, and a tree read from a file has another order than a fresh one. With sorted trees, resumed training
 * gives the same bits as uninterrupted training.
 *
 * @returns A tree of the same tensors (nothing is copied).
 */
export function sortParams<T extends ParamTree>(tree: T): T {
  const entries = Object.entries(tree).map(([name, part]) => [
    name,
    part === undefined || part instanceof Tensor ? part : sortParams(part),
  ]);
  entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return Object.fromEntries(entries) as T;
}

/**
 * The tensors of `tree` under the names of `template` and in its order.
 *
 * @param what Name of the tree in the error message.
 * @returns A tree of the same tensors (nothing is copied).
 * @throws Error if a leaf is missing, is not in the template, or has another shape.
 */
export function arrangeParams<T extends ParamTree>(template: T, tree: ParamTree, what: string): T {
  const leaves = leavesLike(template, tree, what);
  const [expected, came] = [countParams(template), countParams(tree)];
  if (came !== expected) throw new Error(`${what}: expected ${expected} parameters, got ${came}`);
  return replaceLeaves(template, leaves);
}
