import { bfloat16ToFloat32Bits, float32BitsToBfloat16 } from './bfloat16';
import { isDType } from './dtype';
import { float16ToFloat32Bits, float32BitsToFloat16 } from './float16';
import type { TensorData } from './tensor-data';
import { checkTensor } from './tensor-data';
import { shown, TensorFileError } from './tensor-file-error';

function fromBits(bits: Uint16Array, convert: (value: number) => number): Float32Array {
  const result = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = convert(bits[i]);
  return new Float32Array(result.buffer);
}

function toBits(data: Float32Array, convert: (bits: number) => number): Uint16Array {
  const source = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const result = new Uint16Array(data.length);
  for (let i = 0; i < result.length; i++) result[i] = convert(source[i]);
  return result;
}

/**
 * A float64 that rounds to the same float32 as the integer does. Bits beyond the 53 of a float64 are kept as one sticky
 * bit.
 */
function integerToNumber(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  const rounded = Number((magnitude >> 12n) | ((magnitude & 4095n) === 0n ? 0n : 1n)) * 4096;
  return value < 0n ? -rounded : rounded;
}

/**
 * Returns the values of a tensor as 32-bit floats, each rounded to the nearest (ties to even). F16 and BF16 are exact.
 * For an F32 tensor the result is its own `data`, not a copy; for every other dtype it is a new array that the caller
 * owns.
 * @throws {@link TensorFileError} where `tensor` is no tensor of a known dtype.
 */
export function toFloat32(tensor: TensorData): Float32Array {
  const dtype: unknown = tensor?.dtype;
  if (!isDType(dtype)) {
    throw new TensorFileError('toFloat32', `tensor: expected a tensor of a known dtype, got ${shown(dtype)}`);
  }
  switch (tensor.dtype) {
    case 'F32':
      return tensor.data;
    case 'F16':
      return fromBits(tensor.data, float16ToFloat32Bits);
    case 'BF16':
      return fromBits(tensor.data, bfloat16ToFloat32Bits);
    case 'I64':
    case 'U64':
      return Float32Array.from(tensor.data as Iterable<bigint> & ArrayLike<bigint>, integerToNumber);
    default:
      return new Float32Array(tensor.data);
  }
}

/**
 * Makes a tensor of a float dtype from 32-bit floats. F16 and BF16 round to nearest, ties to even; F64 is exact. With
 * `'F32'` the result holds `data` itself, not a copy.
 * @throws {@link TensorFileError} where `data` does not have as many values as `shape`, and for a dtype that is no
 *   float.
 */
export function fromFloat32(
  data: Float32Array,
  shape: readonly number[],
  dtype: 'F32' | 'F16' | 'BF16' | 'F64',
): TensorData {
  checkTensor('fromFloat32', 'data', { dtype: 'F32', shape, data });
  switch (dtype) {
    case 'F32':
      return { dtype, shape, data };
    case 'F64':
      return { dtype, shape, data: new Float64Array(data) };
    case 'F16':
      return { dtype, shape, data: toBits(data, float32BitsToFloat16) };
    case 'BF16':
      return { dtype, shape, data: toBits(data, float32BitsToBfloat16) };
    default:
      throw new TensorFileError('fromFloat32', `dtype: expected F32, F16, BF16 or F64, got ${shown(dtype)}`);
  }
}
