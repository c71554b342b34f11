import type { Tensor4D } from '@tensorflow/tfjs-core';

export type Shape4D = [number, number, number, number];

/** Throws unless `x` has rank 4; returns its shape `[N, H, W, C]`. */
export function imageShape(name: string, x: Tensor4D): Shape4D {
  if (x.shape.length !== 4) throw new Error(`${name}: expected [N, H, W, C], got [${x.shape.join(', ')}]`);
  return x.shape;
}

/** Throws unless `x` has exactly `shape`. */
export function checkShape(name: string, x: Tensor4D, shape: readonly number[]): void {
  if (x.shape.length !== shape.length || shape.some((size, axis) => x.shape[axis] !== size)) {
    throw new Error(`${name}: expected [${shape.join(', ')}], got [${x.shape.join(', ')}]`);
  }
}

/** Throws unless `t` holds `count` whole numbers in `[0, timesteps)`. */
export function checkTimesteps(t: Int32Array, count: number, timesteps: number): void {
  if (t.length !== count) throw new Error(`t: expected ${count} timesteps, one a sample, got ${t.length}`);
  for (const value of t) {
    if (value < 0 || value >= timesteps) throw new Error(`t: expected timesteps in [0, ${timesteps}), got ${value}`);
  }
}

/** Throws unless `value` is a whole number of at least `min` (and at most `max`). */
export function checkCount(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `in [${min}, ${max}]`;
    throw new Error(`${name}: expected a whole number ${range}, got ${value}`);
  }
  return value;
}
