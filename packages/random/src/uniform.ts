import { checkFinite, checkSize } from './check';
import { type Generator, nextUint32 } from './generator';

/** Bounds of {@link uniform}. */
export interface UniformOptions {
  /** Lower bound, included (default 0). */
  low?: number;
  /** Upper bound (default 1). It is excluded, except where rounding to float32 reaches it. */
  high?: number;
}

/**
 * Draws uniform numbers in [low, high), bit for bit those of `torch.rand(size)` or
 * `torch.empty(size).uniform_(low, high)`.
 *
 * @param g - moved on by one word a number
 * @param size - how many, 0 to 2^31 - 1
 * @returns float32 [size], owned by the caller
 * @throws RangeError for a bad size, for bounds that are not in order, and where float32 cannot hold the bounds or
 *   their difference
 */
export function uniform(g: Generator, size: number, { low = 0, high = 1 }: UniformOptions = {}): Float32Array {
  checkSize(size);
  checkFinite('low', low);
  checkFinite('high', high);
  if (low > high) throw new RangeError(`high: expected at least low = ${low}, got ${high}`);
  const from = Math.fround(low);
  const range = Math.fround(Math.fround(high) - from);
  if (!Number.isFinite(range)) throw new RangeError(`high: expected high - low to fit float32, got ${high} - ${low}`);
  const values = new Float32Array(size);
  // torch fuses the product and the sum, so only the result is rounded to float32.
  for (let i = 0; i < size; i++) values[i] = nextFloat(g) * range + from;
  return values;
}

/** The next uniform float32 in [0, 1): the low 24 bits of a word. */
export function nextFloat(g: Generator): number {
  return (nextUint32(g) & 0xffffff) * 2 ** -24;
}
