import { checkInteger } from './check';
import { type Generator, nextUint32 } from './generator';

/** The largest length for which torch draws 32 bits a number. */
const LARGEST = Math.floor((2 ** 32 - 1) / 20) - 1;

/**
 * Draws the numbers 0 to n - 1 in random order, as `torch.randperm(n)` does (Fisher-Yates shuffle, from the front).
 *
 * @param g - moved on by n - 1 words
 * @param n - 0 to 214,748,363
 * @returns int32 [n], owned by the caller
 * @throws RangeError for a bad n
 */
export function permutation(g: Generator, n: number): Int32Array {
  checkInteger('n', n, 0, LARGEST);
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const chosen = i + (nextUint32(g) % (n - i));
    const value = order[i];
    order[i] = order[chosen];
    order[chosen] = value;
  }
  return order;
}
