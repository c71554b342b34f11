import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';

const names = new Map<string, string[]>();

/** `x0`, `x1`, ... for a letter x. They are kept: an optimiser's step has thousands of leaves. */
function namesOf(letter: string, count: number): readonly string[] {
  let known = names.get(letter);
  if (known === undefined) names.set(letter, (known = []));
  while (known.length < count) known.push(`${letter}${known.length}`);
  return known;
}

/** Lists of leaves as a kernel's inputs: leaf i of the list under letter x is `xi`. */
export function leafInputs(lists: Readonly<Record<string, readonly Tensor[]>>): NamedTensorMap {
  const inputs: NamedTensorMap = {};
  for (const [letter, list] of Object.entries(lists)) {
    const named = namesOf(letter, list.length);
    for (let i = 0; i < list.length; i++) inputs[named[i]] = list[i];
  }
  return inputs;
}

/** The list of `count` leaves under a letter, of a kernel's inputs. */
export function leavesUnder<T>(inputs: Readonly<Record<string, T>>, letter: string, count: number): T[] {
  const named = namesOf(letter, count);
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(inputs[named[i]]);
  return list;
}
