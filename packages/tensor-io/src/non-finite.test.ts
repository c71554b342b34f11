import { expect, test } from 'vitest';
import { fromFloat32 } from './float32';
import { firstNonFinite } from './non-finite';
import type { TensorData } from './tensor-data';

const tensorOf = (dtype: 'F64' | 'F32' | 'F16' | 'BF16', values: readonly number[]): TensorData =>
  dtype === 'F64'
    ? { dtype, shape: [values.length], data: Float64Array.from(values) }
    : fromFloat32(Float32Array.from(values), [values.length], dtype);

test.each(['F64', 'F32', 'F16', 'BF16'] as const)('finds the first infinity or NaN of %s', (dtype) => {
  expect(firstNonFinite(tensorOf(dtype, [0, -1, 65504, 6e-8]))).toBe(-1);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(firstNonFinite(tensorOf(dtype, [1, -2, bad, bad]))).toBe(2);
  }
});

test('whole numbers have none to look for', () => {
  expect(firstNonFinite({ dtype: 'I32', shape: [1], data: new Int32Array(1) })).toBeUndefined();
});
