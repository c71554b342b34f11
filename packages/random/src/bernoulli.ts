import type { Generator } from './generator';
import { nextFloat } from './uniform';

/**
 * Draws 1 with each of the given probabilities, else 0, as `torch.bernoulli(probabilities)` does for float32
 * probabilities.
 *
 * @param g - moved on by one word a number
 * @param probabilities - [n], each in [0, 1], taken as float32
 * @returns uint8 [n] of 0 and 1, owned by the caller
 * @throws RangeError for a probability outside [0, 1]; the generator is then not moved on
 */
export function bernoulli(g: Generator, probabilities: ArrayLike<number>): Uint8Array {
  const limits = Float32Array.from(probabilities);
  const wrong = limits.findIndex((p) => !(p >= 0 && p <= 1));
  if (wrong >= 0) {
    throw new RangeError(`probabilities: expected numbers in [0, 1], got ${probabilities[wrong]} at ${wrong}`);
  }
  return Uint8Array.from(limits, (p) => (nextFloat(g) < p ? 1 : 0));
}
