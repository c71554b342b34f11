import { checkGradient, expectClose, useDeviceBackend, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { positionTable } from './position';
import { cosSin } from './sin-cos';
import { timestepEmbedding, timestepFrequencies } from './timestep';

beforeAll(useTestBackend);

const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);

describe('timestepEmbedding', () => {
  // Float64 values of the formulas; float32 angles near 999 are off by up to 6e-5.
  test.each([
    [0 as const, 52.504485, { 0: 0.99965, 1: 0.963782, 64: -0.84447, 127: 0.994243, 128: -0.026461, 255: 0.107147 }],
    [1 as const, 39.544406, { 0: 0.99965, 1: 0.699196, 64: -0.978143, 127: 0.995014, 255: 0.099734 }],
  ])('at t = 999 with shift %i has the golden values', (shift, sum, golden) => {
    const embedding = tf.tidy(() => timestepEmbedding(tf.tensor1d([999]), { dims: 256, shift }).dataSync());
    expect(Math.abs(total(embedding) - sum)).toBeLessThan(1e-3);
    for (const [index, value] of Object.entries(golden)) expectClose(embedding[Number(index)], value, { atol: 1e-4 });
  });

  // All whole timesteps, fractional ones, and pairs that are equal.
  const times = Float32Array.from({ length: 1200 }, (_, i) => (i < 1000 ? i : i < 1100 ? 999 - i / 7 : 3 * (i >> 1)));

  /** Cosines and sines in float64 of the float32 angles, which published weights were trained on. */
  function exact(t: ArrayLike<number>, shift: 0 | 1): Float32Array {
    const f = timestepFrequencies({ dims: 256, shift });
    const rows = Array.from(t, (time) => {
      const angles = Array.from(f, (frequency) => Math.fround(time * frequency));
      return [...angles.map(Math.cos), ...angles.map(Math.sin)];
    });
    return Float32Array.from(rows.flat());
  }

  test.each([0, 1] as const)('is exact to the last bit for every timestep on every engine, shift %i', (shift) => {
    const embedding = tf.tidy(() => timestepEmbedding(tf.tensor1d(times), { dims: 256, shift }).dataSync());
    expectClose(embedding, exact(times, shift), { atol: 0, rtol: 0 });
  });

  test('of timesteps that only a device has is within 2e-7', async () => {
    await useDeviceBackend();
    const made = tf.mul(tf.tensor1d(times), 1) as tf.Tensor1D;
    const embedding = timestepEmbedding(made, { dims: 256, shift: 0 });
    expectClose(new Float32Array(await embedding.data()), exact(times, 0), { atol: 2e-7, rtol: 0 });
    await useTestBackend();
  });

  test('has the gradient of finite differences in t', () => {
    checkGradient((t) => timestepEmbedding(t as tf.Tensor1D, { dims: 8, shift: 0 }), [tf.tensor1d([0, 0.5, 3, 3])]);
  });

  test('cosSin is within 2e-7 of the exact values for |x| up to 3000', () => {
    const x = Float32Array.from({ length: 6001 }, (_, i) => Math.fround((i - 3000) * 0.9999));
    const [cos, sin] = tf.tidy(() => cosSin(tf.tensor1d(x)).map((y) => y.dataSync()));
    expectClose(cos, Float32Array.from(x, Math.cos), { atol: 2e-7, rtol: 0 });
    expectClose(sin, Float32Array.from(x, Math.sin), { atol: 2e-7, rtol: 0 });
  });

  test('at t = 0 is ones, then zeros', () => {
    const embedding = timestepEmbedding(tf.tensor1d([0], 'int32'), { dims: 8, shift: 0 });
    expectClose(embedding, [1, 1, 1, 1, 0, 0, 0, 0], { atol: 0 });
  });

  test('ends at the slowest frequency 1e-4 with shift 1', () => {
    expectClose(timestepFrequencies({ dims: 256, shift: 1 })[127], 1e-4, { atol: 0, rtol: 1e-6 });
  });

  test('needs an even width', () => {
    expect(() => timestepFrequencies({ dims: 7, shift: 0 })).toThrow('dims: expected an even number >= 4, got 7');
  });
});

describe('positionTable', () => {
  test.each([
    [384, 16, 44720.33856],
    [1152, 16, 134598.947804],
    [8, 2, 17.566892],
  ])('[%i, grid %i] has the golden sum', (dims, grid, sum) => {
    expect(Math.abs(total(positionTable(dims, grid)) - sum)).toBeLessThan(2e-3);
  });

  test('has the golden second token', () => {
    expectClose(positionTable(384, 16).slice(384, 388), [0.841471, 0.788593, 0.734822, 0.681561], { atol: 1e-6 });
  });

  test('encodes the column first, then the row', () => {
    const table = positionTable(8, 3);
    const token = (row: number, column: number) => table.subarray((row * 3 + column) * 8, (row * 3 + column + 1) * 8);
    expect(token(1, 2).slice(0, 4)).toEqual(token(0, 2).slice(0, 4));
    expect(token(1, 2).slice(4)).toEqual(token(1, 0).slice(4));
    expect(token(2, 1).slice(0, 4)).toEqual(token(1, 2).slice(4));
  });

  test('is made once', () => {
    expect(positionTable(16, 4)).toBe(positionTable(16, 4));
  });

  test('rejects widths and grids that do not fit', () => {
    expect(() => positionTable(6, 2)).toThrow('dims: expected a multiple of 4, got 6');
    expect(() => positionTable(8, 0)).toThrow('grid: expected a positive integer, got 0');
  });
});
