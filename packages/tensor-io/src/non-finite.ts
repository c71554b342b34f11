import type { TensorData } from './tensor-data';

/**
 * Index of the first infinity or NaN of a tensor.
 *
 * @returns -1 where all numbers are finite; undefined for a dtype of whole numbers.
 */
export function firstNonFinite({ dtype, data }: TensorData): number | undefined {
  switch (dtype) {
    case 'F32':
    case 'F64':
      return (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    case 'F16':
      return (data as Uint16Array).findIndex((bits) => (bits & 0x7c00) === 0x7c00);
    case 'BF16':
      return (data as Uint16Array).findIndex((bits) => (bits & 0x7f80) === 0x7f80);
    default:
      return undefined;
  }
}
