// tfjs-core registers no gradients by itself.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { NATIVE, registerNativeBackend } from '../src/index';

/** How far a value may be from the cpu backend's. */
export interface Tolerance {
  /** Relative to the value (default 1e-6). */
  relative?: number;
  /** Absolute (default 1e-30). */
  absolute?: number;
}

/** Runs a program on the cpu backend and on the native one and compares shapes, types and values of its results. */
export async function agree(
  program: () => tf.Tensor | tf.Tensor[],
  { relative = 1e-6, absolute = 1e-30 }: Tolerance = {},
): Promise<void> {
  const [want, got] = [await resultsOn('cpu', program), await resultsOn(NATIVE, program)];
  expect(got.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(want.map(({ shape, dtype }) => ({ shape, dtype })));
  for (const [i, { values }] of want.entries()) {
    const difference = firstDifference(got[i].values, values, relative, absolute);
    if (difference !== undefined) throw new Error(`result ${i}: ${difference}`);
  }
}

/** As {@link agree}, to the bit (0 and -0 count as equal). */
export const agreeExactly = (program: () => tf.Tensor | tf.Tensor[]): Promise<void> =>
  agree(program, { relative: 0, absolute: 0 });

interface Result {
  readonly shape: number[];
  readonly dtype: string;
  readonly values: ArrayLike<number>;
}

async function resultsOn(backend: string, program: () => tf.Tensor | tf.Tensor[]): Promise<Result[]> {
  if (backend === NATIVE) registerNativeBackend();
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  tf.engine().startScope();
  const made = program();
  const results = (Array.isArray(made) ? made : [made]).map((tensor) => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: tensor.dataSync() as ArrayLike<number>,
  }));
  tf.engine().endScope();
  expect(tf.memory().numTensors).toBe(before);
  return results;
}

function firstDifference(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  relative: number,
  absolute: number,
): string | undefined {
  if (got.length !== want.length) return `expected ${want.length} values, got ${got.length}`;
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [got[i], want[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b))) return `expected ${b}, got ${a} at ${i}`;
  }
  return undefined;
}

/** Sizes with the awkward ones. */
export const size: fc.Arbitrary<number> = fc.constantFrom(0, 1, 2, 3, 5, 8, 17, 33);

/** Sizes without 0. */
export const positiveSize: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 5, 8, 17, 33);

/** A shape of so many dimensions. */
export const shapeOf = (minLength: number, maxLength: number, one = size): fc.Arbitrary<number[]> =>
  fc.array(one, { minLength, maxLength }).filter((shape) => shape.reduce((a, b) => a * b, 1) <= 60_000);

/** `count` numbers in (low, high) that depend on the seed alone. */
export function numbers(count: number, seed: number, low = -3, high = 3): Float32Array {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return low + ((state >>> 0) / 2 ** 32) * (high - low);
  });
}

/** A float32 tensor of {@link numbers}. */
export function random(shape: number[], seed: number, low = -3, high = 3): tf.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(numbers(count, seed, low, high), shape, 'float32');
}

/** A float32 tensor of small integers, many of them equal. */
export function integers(shape: number[], seed: number, low = -3, high = 3): tf.Tensor {
  const values = numbers(
    shape.reduce((a, b) => a * b, 1),
    seed,
    low,
    high + 1,
  );
  return tf.tensor(values.map(Math.floor), shape, 'float32');
}

/** Checks an asynchronous law for random inputs. */
export async function holds<T>(inputs: fc.Arbitrary<T>, law: (input: T) => Promise<void>, numRuns = 40): Promise<void> {
  await fc.assert(fc.asyncProperty(inputs, law), { numRuns });
}
