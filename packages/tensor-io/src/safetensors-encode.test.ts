import { describe, expect, test } from 'vitest';
import { expected, fixtureBytes, namedTensors } from '../test/expected';
import { compareCodePoints, encodeSafetensors } from './safetensors-encode';
import type { TensorData } from './tensor-data';

const one: TensorData = { dtype: 'F32', shape: [1], data: Float32Array.of(1) };

describe('encodeSafetensors', () => {
  test('gives the bytes that Python gives', () => {
    const bytes = encodeSafetensors(namedTensors(expected.tensors), { metadata: { format: 'pt' } });
    expect(Buffer.from(bytes).equals(fixtureBytes('all.safetensors'))).toBe(true);
    expect(encodeSafetensors(new Map())).toEqual(fixtureBytes('empty.safetensors'));
  });

  test('does not depend on the order of the tensors, keeps that of the metadata', () => {
    const reversed = new Map([...namedTensors(expected.tensors)].reverse());
    expect(encodeSafetensors(reversed, { metadata: { format: 'pt' } })).toEqual(fixtureBytes('all.safetensors'));
    const text = new TextDecoder().decode(encodeSafetensors(new Map(), { metadata: { z: '1', a: '2' } }).subarray(8));
    expect(text.trimEnd()).toBe('{"__metadata__":{"z":"1","a":"2"}}');
  });

  test.each<[string, string, TensorData, RegExp]>([
    ['a wrong count', 'x', { ...one, shape: [2] }, /tensor "x": shape \[2\] needs 2 values, got 1 values/],
    ['a negative size', 'x', { ...one, shape: [-1, -1] }, /natural numbers/],
    [
      'a wrong array',
      'x',
      { ...one, data: Uint8Array.of(1) } as unknown as TensorData,
      /expected Float32Array for F32, got Uint8Array/,
    ],
    ['an unknown dtype', 'x', { ...one, dtype: 'toString' } as unknown as TensorData, /unknown dtype "toString"/],
    ['the name of the metadata', '__metadata__', one, /cannot be named/],
    ['half a character', '\ud800', one, /not well-formed/],
  ])('refuses %s', (_, name, tensor, message) => {
    expect(() => encodeSafetensors(new Map([[name, tensor]]))).toThrow(message);
  });

  test('refuses metadata that is no string', () => {
    expect(() => encodeSafetensors(new Map(), { metadata: { a: 1 as unknown as string } })).toThrow(
      /expected a string, got number/,
    );
  });
});

test('compareCodePoints orders as UTF-8 does', () => {
  expect(['\u{1f600}', '\uffee', 'b', 'ab', 'a', ''].sort(compareCodePoints)).toEqual([
    '',
    'a',
    'ab',
    'b',
    '\uffee',
    '\u{1f600}',
  ]);
  expect(compareCodePoints('same', 'same')).toBe(0);
});
