import { checkInteger } from './check';

/** Words in the table of MT19937. */
export const TABLE_SIZE = 624;
const SHIFT = 397;

/**
 * A seeded source of random numbers. Make it with `createGenerator`, `stream` or `restoreGenerator`, and leave its
 * fields alone. Every function that draws from it moves it on.
 */
export interface Generator {
  /** The seed it was made from. */
  readonly seed: number;
  /** The 624 words of MT19937. Internal. */
  readonly table: Uint32Array;
  /** How many words of the table are used up, 0..624. Internal. */
  position: number;
  /** The second value of the last Box-Muller pair, or null where none is left. Internal. */
  spareNormal: number | null;
}

/**
 * Makes a generator that draws what `torch.Generator().manual_seed(seed)` draws on the CPU.
 *
 * MT19937 (Matsumoto and Nishimura 1998) started from the low 32 bits of `seed`, as torch does: seeds that differ by a
 * multiple of 2^32 draw the same numbers.
 *
 * @param seed - a safe integer; a negative one counts modulo 2^64, as in torch
 * @throws RangeError where `seed` is not a safe integer
 */
export function createGenerator(seed: number): Generator {
  checkInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const table = new Uint32Array(TABLE_SIZE);
  table[0] = seed % 2 ** 32; // conversion to Uint32 wraps negative numbers
  for (let i = 1; i < TABLE_SIZE; i++) {
    const previous = table[i - 1] ^ (table[i - 1] >>> 30);
    table[i] = Math.imul(1812433253, previous) + i;
  }
  return { seed, table, position: TABLE_SIZE, spareNormal: null };
}

/** The next 32 random bits, as an integer in [0, 2^32). */
export function nextUint32(g: Generator): number {
  if (g.position >= TABLE_SIZE) {
    twist(g.table);
    g.position = 0;
  }
  let y = g.table[g.position++];
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  y ^= y >>> 18;
  return y >>> 0;
}

/** Replaces the table by the next 624 words. */
function twist(table: Uint32Array): void {
  let i = 0;
  for (; i < TABLE_SIZE - SHIFT; i++) table[i] = table[i + SHIFT] ^ mix(table[i], table[i + 1]);
  for (; i < TABLE_SIZE - 1; i++) table[i] = table[i + SHIFT - TABLE_SIZE] ^ mix(table[i], table[i + 1]);
  table[i] = table[SHIFT - 1] ^ mix(table[i], table[0]);
}

function mix(high: number, low: number): number {
  return (((high & 0x80000000) | (low & 0x7fffffff)) >>> 1) ^ (low & 1 ? 0x9908b0df : 0);
}

/** The next 53 random bits scaled to [0, 1): two words, the first one high. */
export function nextDouble(g: Generator): number {
  const high = nextUint32(g) & 0x1fffff;
  return (high * 2 ** 32 + nextUint32(g)) * 2 ** -53;
}
