import { expect, test } from 'vitest';
import { fromFloat32, toFloat32 } from './float32';
import { TensorFileError } from './tensor-file-error';

const values = Float32Array.of(0, -0, 1, -1.5, 65504, 2 ** -24, Number.POSITIVE_INFINITY, Number.NaN);

test('F32 keeps the array itself, the others make their own', () => {
  const tensor = fromFloat32(values, [2, 4], 'F32');
  expect(tensor.data).toBe(values);
  expect(toFloat32(tensor)).toBe(values);
  expect(fromFloat32(values, [8], 'F64').data).not.toBe(values);
});

test.each(['F16', 'F64', 'F32'] as const)('values that %s has come back', (dtype) => {
  expect(toFloat32(fromFloat32(values, [8], dtype))).toEqual(values);
});

test('BF16 rounds to 8 significant bits', () => {
  const tensor = fromFloat32(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8), [2], 'BF16');
  expect([...toFloat32(tensor)]).toEqual([1, 1 + 2 ** -6]);
  expect(toFloat32(fromFloat32(Float32Array.of(3.4028235e38), [1], 'BF16'))[0]).toBe(Number.POSITIVE_INFINITY);
});

test('integers and bools become floats, 64-bit ones rounded once', () => {
  expect([...toFloat32({ dtype: 'I8', shape: [2], data: Int8Array.of(-128, 127) })]).toEqual([-128, 127]);
  expect([...toFloat32({ dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) })]).toEqual([0, 1]);
  // Halfway between two floats plus one: rounding to float64 on the way would lose the one and round down.
  const above = 2n ** 60n + 2n ** 36n + 1n;
  const data = BigInt64Array.of(above, -above, 2n ** 60n + 2n ** 36n, 7n);
  expect([...toFloat32({ dtype: 'I64', shape: [4], data })]).toEqual([
    2 ** 60 + 2 ** 37,
    -(2 ** 60) - 2 ** 37,
    2 ** 60,
    7,
  ]);
  expect(toFloat32({ dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) })[0]).toBe(2 ** 64);
});

test('the shape must fit the values', () => {
  expect(() => fromFloat32(values, [3], 'F16')).toThrow(TensorFileError);
});
