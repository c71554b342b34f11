import type { NamedTensorMap } from '@tensorflow/tfjs-core';

/** Tensors that a kernel takes as lists, by letter. */
export type LeafLists<T> = Readonly<Record<string, readonly T[]>>;

/**
 * Lists of leaves as a kernel's inputs. tfjs hands a kernel its inputs as they are, so it need not give each of the
 * thousands of leaves of a step a name. Off the tape.
 */
export function leafInputs<T>(lists: LeafLists<T>): NamedTensorMap {
  return lists as unknown as NamedTensorMap;
}

/** The lists that {@link leafInputs} made inputs of. */
export function leafLists<T>(inputs: Readonly<Record<string, T>>): LeafLists<T> {
  return inputs as unknown as LeafLists<T>;
}
