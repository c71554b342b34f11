import { checkInteger, checkSize } from './check';
import { type Generator, nextUint32 } from './generator';

/** Bounds of {@link randomIntegers}. */
export interface IntegerOptions {
  /** Lowest value (default 0). */
  low?: number;
  /** One more than the highest value. */
  high: number;
}

/** Where the range is this or larger, torch takes 64 random bits a number, so that the modulo is not biased. */
const WIDE_RANGE = 2 ** 28;

/**
 * Draws integers in [low, high) as `torch.randint(low, high, (size,))` of torch 2.15 does. (Older versions of torch
 * take 64 bits a number only where the range is 2^32 or more.)
 *
 * @param g - moved on by one word for each number, by two where high - low >= 2^28
 * @param size - how many, 0 to 2^31 - 1
 * @returns int32 [size], owned by the caller
 * @throws RangeError for a bad size, bounds that do not fit int32 or leave no value
 */
export function randomIntegers(g: Generator, size: number, { low = 0, high }: IntegerOptions): Int32Array {
  checkSize(size);
  checkInteger('low', low, -(2 ** 31), 2 ** 31 - 1);
  checkInteger('high', high, low + 1, 2 ** 31);
  const range = high - low;
  const values = new Int32Array(size);
  const draw = range < WIDE_RANGE ? nextUint32 : nextWide;
  for (let i = 0; i < size; i++) values[i] = low + (draw(g, range) % range);
  return values;
}

/** 64 random bits modulo `range` (at most 2^32), the first word high. */
function nextWide(g: Generator, range: number): number {
  const high = BigInt(nextUint32(g));
  return Number(((high << 32n) | BigInt(nextUint32(g))) % BigInt(range));
}
