import { loadNative } from '@learngene/backend-native';
import { createGenerator, normal, registerNormal, saveGenerator } from '@learngene/random';
import { afterEach, expect, test } from 'vitest';
import { native } from './native';

afterEach(() => registerNormal(undefined));

test.each([
  [15, {}],
  [16, {}],
  [17, { mean: 0.3 }],
  [1237, { mean: -2, std: 2.7 }],
  [2 ** 18 + 5, {}],
])('%i normal numbers of Rust have the bits of those of JavaScript, and so has what comes after', (size, options) => {
  const draw = () => {
    const g = createGenerator(size);
    const numbers = [normal(g, 3), normal(g, size, options), normal(g, 40)];
    return { bits: numbers.map((x) => new Uint32Array(x.buffer.slice(0))), state: saveGenerator(g) };
  };
  const expected = draw();
  native.selected!();
  expect(draw()).toEqual(expected);
});

test('arrays that do not fit are refused', () => {
  const { normal: fill } = loadNative();
  const table = new Uint32Array(624).fill(1);
  expect(() => fill(new Uint32Array(623), 0, new Float32Array(16), 0, 1)).toThrow('table: expected 624 elements');
  expect(() => fill(table, 625, new Float32Array(16), 0, 1)).toThrow('expected a position up to 624');
  expect(() => fill(table, 0, new Float32Array(15), 0, 1)).toThrow('and 16 values, got 0 and 15');
  expect(() => fill(table, 0, new Float32Array(table.buffer, 0, 16), 0, 1)).toThrow('overlaps');
});
