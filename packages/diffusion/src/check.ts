import type { Tensor4D } from '@tensorflow/tfjs-core';

export type Shape4D = [number, number, number, number];

/** Throws unless `x` has rank 4 and images that are not empty; returns its shape `[N, H, W, C]`. */
export function imageShape(name: string, x: Tensor4D): Shape4D {
  if (!(x && Array.isArray(x.shape))) throw new Error(`${name}: expected a tensor [N, H, W, C], got ${x}`);
  if (x.shape.length !== 4) throw new Error(`${name}: expected [N, H, W, C], got [${x.shape.join(', ')}]`);
  if (x.shape.slice(1).includes(0)) {
    throw new Error(`${name}: expected H, W and C of at least 1, got [${x.shape.join(', ')}]`);
  }
  return x.shape;
}

/** Throws unless `x` has exactly `shape`. */
export function checkShape(name: string, x: Tensor4D, shape: readonly number[]): void {
  if (!(x && Array.isArray(x.shape))) throw new Error(`${name}: expected a tensor, got ${x}`);
  if (x.shape.length !== shape.length || shape.some((size, axis) => x.shape[axis] !== size)) {
    throw new Error(`${name}: expected [${shape.join(', ')}], got [${x.shape.join(', ')}]`);
  }
}

/** Throws unless `t` holds `count` whole numbers in `[0, timesteps)`. */
export function checkTimesteps(t: Int32Array, count: number, timesteps: number): void {
  if (t.length !== count) throw new Error(`t: expected ${count} timesteps, one a sample, got ${t.length}`);
  for (const value of t) {
    if (!(Number.isInteger(value) && value >= 0 && value < timesteps)) {
      throw new Error(`t: expected timesteps in [0, ${timesteps}), got ${value}`);
    }
  }
}

/** An interval in mathematical notation; a round bracket excludes its end. */
type Interval = `${'[' | '('}${number}, ${number | 'Infinity'}${']' | ')'}`;

/** Throws unless `value` is a number in `interval`. */
export function checkInterval(name: string, value: number, interval: Interval): number {
  const [low, high] = interval.slice(1, -1).split(', ').map(Number);
  const above = interval.startsWith('[') ? value >= low : value > low;
  const below = interval.endsWith(']') ? value <= high : value < high;
  if (!(above && below)) throw new Error(`${name}: expected a number in ${interval}, got ${value}`);
  return value;
}

/** Throws unless `value` is one of `words`. */
export function checkWord<T extends string | number>(name: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  const quoted = words.map((word) => (typeof word === 'string' ? `'${word}'` : word));
  throw new Error(`${name}: expected ${quoted.join(', ')}, got ${typeof value === 'string' ? `'${value}'` : value}`);
}

/** Throws unless `value` is a whole number of at least `min` (and at most `max`). */
export function checkCount(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `in [${min}, ${max}]`;
    throw new Error(`${name}: expected a whole number ${range}, got ${value}`);
  }
  return value;
}

/**
 * Throws unless `options` is an object whose fields are all in `known`: without types a misspelt option would be
 * ignored. `of` is the function's name, or the option that holds the fields.
 */
export function checkNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new Error(`${of}: expected an object of ${known.join(', ')}, got ${JSON.stringify(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${of}: expected only ${known.join(', ')}, got '${unknown}'`);
}

/** Throws unless every one of `names` is left out of `options`, true or false. */
export function checkFlags(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value: unknown = options[name as keyof typeof options];
    if (value !== undefined && typeof value !== 'boolean') {
      throw new Error(`${name}: expected true or false, got ${JSON.stringify(value)}`);
    }
  }
}
