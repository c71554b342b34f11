import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** Tensors above this size are updated one by one; batching pays off only for small ones. */
const SMALL = 65_536;

/**
 * Indices of the leaves that are best updated together. libtensorflow needs 20 µs for an op however little it computes,
 * so there small leaves of one shape are stacked. Large leaves, and all leaves on other backends, go one by one.
 */
function batches(leaves: readonly Tensor[]): number[][] {
  const stacks = tf.getBackend() === 'tensorflow';
  const groups = new Map<string | number, number[]>();
  for (const [i, { shape, size }] of leaves.entries()) {
    const key = stacks && size <= SMALL ? shape.join() : i;
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  return [...groups.values()];
}

function together(leaves: readonly Tensor[], places: readonly number[]): Tensor {
  return places.length === 1 ? leaves[places[0]] : tf.stack(places.map((i) => leaves[i]));
}

/**
 * An elementwise function of several lists of leaves, run over all of them; call it off the tape, in a scope.
 *
 * @param lists lists of equal length, leaf i of the same shape in each
 * @param f the results for one leaf of each list; of the same shape
 * @returns result j of leaf i at [j][i]
 */
export function foreach(lists: readonly (readonly Tensor[])[], f: (leaves: Tensor[]) => Tensor[]): Tensor[][] {
  const results: Tensor[][] = [];
  for (const places of batches(lists[0])) {
    const computed = tf.tidy(() =>
      f(lists.map((list) => together(list, places))).map((result) =>
        places.length === 1 ? [result] : tf.unstack(result),
      ),
    );
    for (const [j, parts] of computed.entries()) {
      results[j] ??= [];
      for (const [k, i] of places.entries()) results[j][i] = parts[k];
    }
  }
  return results;
}

/** Concatenates leaves where that is cheap. The results hold every element of the leaves once. Call it in a scope. */
export function fewTensors(leaves: readonly Tensor[]): Tensor[] {
  return batches(leaves).map((places) => together(leaves, places));
}
