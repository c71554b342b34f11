const N = 624;
const M = 397;

/**
 * The part of `numpy.random.RandomState` that torch-fidelity draws with: MT19937 seeded by one integer (Matsumoto and
 * Nishimura 2002, `init_genrand`) and the legacy Fisher-Yates shuffle with masked rejection. numpy has frozen it.
 */
export interface NumpyRandomState {
  /** The 624 words. */
  readonly words: Uint32Array;
  /** Next word to read; 624 when they are used up. */
  position: number;
}

/** `np.random.RandomState(seed)`, seed an integer in [0, 2³²). */
export function numpyRandomState(seed: number): NumpyRandomState {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`seed: expected an integer in [0, 2^32), got ${seed}`);
  }
  const words = new Uint32Array(N);
  words[0] = seed;
  for (let i = 1; i < N; i++) words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  return { words, position: N };
}

/** `state.permutation(n)`: a shuffled 0 ... n - 1; advances `state`. */
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

/** An integer in [0, max] by masking to the next power of two and rejecting. */
function boundedInteger(state: NumpyRandomState, max: number): number {
  const mask = 0xffffffff >>> Math.clz32(max);
  for (;;) {
    const value = (nextWord(state) & mask) >>> 0;
    if (value <= max) return value;
  }
}

function nextWord(state: NumpyRandomState): number {
  if (state.position === N) regenerate(state);
  let y = state.words[state.position++];
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

function regenerate(state: NumpyRandomState): void {
  const { words } = state;
  for (let i = 0; i < N; i++) {
    const y = (words[i] & 0x80000000) | (words[(i + 1) % N] & 0x7fffffff);
    words[i] = words[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
  state.position = 0;
}
