import { checkFinite, checkSize } from './check';
import { cosSinFloat, logFloat } from './float-math';
import { type Generator, nextDouble } from './generator';
import { nextFloat } from './uniform';

/** Mean and standard deviation of {@link normal}. */
export interface NormalOptions {
  /** Mean (default 0). */
  mean?: number;
  /** Standard deviation, at least 0 (default 1). */
  std?: number;
}

/**
 * Fills `values`, 16 or more, with normal numbers from the table of MT19937 of a generator, of which `position` words are used
 * up, and moves the table on. The numbers have the bits that {@link normal} gives without it.
 *
 * @returns the new position, 0..624
 */
export type NormalFill = (
  table: Uint32Array,
  position: number,
  values: Float32Array,
  mean: number,
  std: number,
) => number;

let registered: NormalFill | undefined;

/** Lets compiled code draw for {@link normal}, with the same numbers; undefined: JavaScript draws again. */
export function registerNormal(fill: NormalFill | undefined): void {
  registered = fill;
}

const BLOCK = 16;
const HALF = BLOCK / 2;
const TWO_PI = Math.fround(2 * Math.PI);
const direction = new Float32Array(2);

/**
 * Draws normal numbers as `torch.randn(size)` does on the CPU.
 *
 * For fewer than 16 numbers torch draws pairs in double precision and keeps the second of a pair for the next call. For
 * 16 or more it works in float32 blocks of 16, and redraws the last 16 where `size` is no multiple of 16. Both use the
 * transform of Box and Muller (1958). For 16 or more, the numbers are bit for bit those of torch on a CPU with AVX2
 * (2^20 numbers compared). On other CPUs torch rounds differently, by up to 3 units in the last place. For fewer than
 * 16, the log1p, sin and cos of the JavaScript engine may change the last bit.
 *
 * @param g - moved on as torch moves its own
 * @param size - how many, 0 to 2^31 - 1
 * @returns float32 [size], owned by the caller
 * @throws RangeError for a bad size, a mean or std that float32 cannot hold, a std below 0
 */
export function normal(g: Generator, size: number, { mean = 0, std = 1 }: NormalOptions = {}): Float32Array {
  checkSize(size);
  checkFinite('mean', mean);
  checkFinite('std', std);
  if (std < 0) throw new RangeError(`std: expected at least 0, got ${std}`);
  const values = new Float32Array(size);
  if (size < BLOCK) {
    for (let i = 0; i < size; i++) values[i] = nextNormal(g) * std + mean;
    return values;
  }
  const scale = Math.fround(std);
  const offset = Math.fround(mean);
  if (registered) {
    g.position = registered(g.table, g.position, values, offset, scale);
    return values;
  }
  for (let i = 0; i < size; i++) values[i] = nextFloat(g);
  for (let i = 0; i + BLOCK <= size; i += BLOCK) transformBlock(values, i, scale, offset);
  if (size % BLOCK !== 0) {
    const start = size - BLOCK;
    for (let i = start; i < size; i++) values[i] = nextFloat(g);
    transformBlock(values, start, scale, offset);
  }
  return values;
}

/**
 * Turns the 16 uniform numbers at `start` into 16 normal ones. The first eight give the radii, the others the angles;
 * the cosines come first, then the sines.
 */
function transformBlock(values: Float32Array, start: number, std: number, mean: number): void {
  for (let i = start; i < start + HALF; i++) {
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * logFloat(1 - values[i]))));
    cosSinFloat(Math.fround(TWO_PI * values[i + HALF]), direction, 0);
    values[i] = Math.fround(radius * direction[0]) * std + mean;
    values[i + HALF] = Math.fround(radius * direction[1]) * std + mean;
  }
}

/** One normal number in double precision. */
function nextNormal(g: Generator): number {
  if (g.spareNormal !== null) {
    const spare = g.spareNormal;
    g.spareNormal = null;
    return spare;
  }
  const angle = 2 * Math.PI * nextDouble(g);
  const radius = Math.sqrt(-2 * Math.log1p(-nextDouble(g)));
  g.spareNormal = radius * Math.sin(angle);
  return radius * Math.cos(angle);
}
