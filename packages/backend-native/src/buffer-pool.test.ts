import { expect, test } from 'vitest';
import { BufferPool } from './buffer-pool';

const make = (limitBytes = 1e9) => new BufferPool((length) => new Float32Array(length), limitBytes);

test('a buffer that was given back is handed out again, by exact length', () => {
  const pool = make();
  const first = pool.take(10);
  pool.give(first);
  expect(pool.take(11)).not.toBe(first);
  expect(pool.take(10)).toBe(first);
  expect(pool.statistics()).toEqual({ idleBytes: 0, idleBuffers: 0, usedBytes: 84, peakBytes: 84, allocations: 2 });
});

test('idle bytes stay below the limit', () => {
  const pool = make(100);
  const buffers = [10, 10, 10].map((length) => pool.take(length));
  for (const buffer of buffers) pool.give(buffer);
  expect(pool.statistics()).toMatchObject({ idleBytes: 80, idleBuffers: 2, usedBytes: 0, peakBytes: 120 });
});

test('lengths that are no longer asked for are given up', () => {
  const pool = make();
  pool.give(pool.take(1000));
  for (let i = 0; i < 20_000; i++) pool.give(pool.take(7));
  pool.take(8);
  expect(pool.statistics()).toMatchObject({ idleBytes: 28, idleBuffers: 1 });
});

test('a forgotten buffer is not handed out', () => {
  const pool = make();
  const buffer = pool.take(5);
  pool.forget(buffer);
  expect(pool.take(5)).not.toBe(buffer);
  pool.give(pool.take(3));
  pool.clear();
  expect(pool.statistics()).toMatchObject({ idleBytes: 0, usedBytes: 20 });
});
