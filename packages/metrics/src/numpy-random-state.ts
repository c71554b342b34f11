import { createGenerator, type Generator, randomIntegers } from '@learngene/random';

/**
 * The part of `numpy.random.RandomState` that torch-fidelity uses; numpy guarantees that it does not change. torch and
 * numpy seed MT19937 in the same way, so the generator of `@learngene/random` gives numpy's words. The shuffle is
 * numpy's.
 */
export type NumpyRandomState = Generator;

/** `np.random.RandomState(seed)`, seed an integer in [0, 2³²). */
export function numpyRandomState(seed: number): NumpyRandomState {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`seed: expected an integer in [0, 2^32), got ${seed}`);
  }
  return createGenerator(seed);
}

/** `state.permutation(n)`: a shuffled 0 ... n - 1, n up to 2²⁷; advances `state`. */
export function numpyPermutation(state: NumpyRandomState, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = boundedInteger(state, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** `state.choice(n, size, replace=False)`: the head of a permutation of all n; advances `state`. */
export function numpyChoice(state: NumpyRandomState, n: number, size: number): Int32Array {
  if (size > n) throw new RangeError(`size: expected at most ${n} without replacement, got ${size}`);
  return numpyPermutation(state, n).slice(0, size);
}

/** Draws an integer in [0, max]: words are masked to the next power of two until one is not above `max`. */
function boundedInteger(state: NumpyRandomState, max: number): number {
  const high = 2 ** (32 - Math.clz32(max));
  for (;;) {
    const value = randomIntegers(state, 1, { high })[0];
    if (value <= max) return value;
  }
}
