import { afterEach, expect, test } from 'vitest';
import { createGenerator, normal, registerNormal, saveGenerator } from './index';

afterEach(() => registerNormal(undefined));

test('compiled code draws blocks of 16 or more, gets mean and std as float32, and says where the table is then', () => {
  const calls: unknown[] = [];
  registerNormal((table, position, values, mean, std) => {
    calls.push([table.length, position, values.length, mean, std]);
    values.fill(7);
    return 5;
  });
  const g = createGenerator(1);
  expect([...normal(g, 15)]).not.toContain(7);
  expect(calls).toEqual([]);
  const before = g.position;
  expect([...normal(g, 16, { mean: 0.1, std: 0.2 })]).toEqual(new Array(16).fill(7));
  expect(calls).toEqual([[624, before, 16, Math.fround(0.1), Math.fround(0.2)]]);
  expect(saveGenerator(g).position).toBe(5);
  expect(() => normal(g, 16, { std: -1 })).toThrow('std: expected at least 0');
  expect(calls).toHaveLength(1);
});

test('without it JavaScript draws again', () => {
  const expected = normal(createGenerator(1), 40);
  registerNormal(() => 0);
  registerNormal(undefined);
  expect(normal(createGenerator(1), 40)).toEqual(expected);
});
