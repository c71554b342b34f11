import { createGenerator, type Generator } from './generator';

/** Keys of the two hashes: the first 32 bits of the fractional parts of the square roots of 2 and 3. */
const HIGH_KEY = 0x6a09e667;
const LOW_KEY = 0xbb67ae85;

/**
 * Returns the seed of the sub-stream `name` of a generator seeded with `seed`: an integer in [0, 2^53).
 *
 * It is MurmurHash3 x86_32 of the 8 bytes of the seed (little-endian, modulo 2^64) and the UTF-8 bytes of the name,
 * computed with two keys: 21 bits of the first hash, then all 32 of the second. The numbers that the sub-stream draws
 * depend on the last 32 bits only (see `createGenerator`); sub-streams made from it depend on all 53.
 * `torch.Generator().manual_seed` of this seed draws the same numbers.
 *
 * @throws RangeError where `seed` is not a safe integer
 */
export function streamSeed(seed: number, name: string): number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected a safe integer, got ${seed}`);
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(seed), true);
  bytes.set(text, 8);
  return (murmur3(bytes, HIGH_KEY) & 0x1fffff) * 2 ** 32 + murmur3(bytes, LOW_KEY);
}

/**
 * Makes a separate generator for the part of a program called `name` (`'noise'`, `'data/epoch-3'`). It depends on the
 * parent's seed and on the name, and not on what the parent has drawn. The parent is not moved on. The same name gives
 * the same numbers again.
 */
export function stream(g: Generator, name: string): Generator {
  return createGenerator(streamSeed(g.seed, name));
}

/** MurmurHash3_x86_32. */
function murmur3(bytes: Uint8Array, key: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let hash = key;
  for (let i = 0; i < whole; i += 4) {
    hash = rotate(hash ^ scramble(view.getUint32(i, true)), 13);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i];
  hash ^= scramble(tail) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
