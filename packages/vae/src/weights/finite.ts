import type { TensorData } from '@learngene/tensor-io';

/** Throws unless a tensor is of a floating dtype and all its numbers are finite. */
export function checkFinite(name: string, tensor: TensorData): void {
  const { dtype, data } = tensor;
  const bad = firstNonFinite(tensor);
  if (bad === undefined) throw new Error(`${name}: expected a floating dtype, got ${dtype}`);
  if (bad >= 0)
    throw new Error(`${name}: expected finite numbers, got ${spelled(tensor)} at element ${bad} of ${data.length}`);
}

/** Index of the first infinity or NaN, -1 for none, undefined for a dtype of whole numbers. */
function firstNonFinite({ dtype, data }: TensorData): number | undefined {
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

function spelled({ dtype }: TensorData): string {
  return `an infinity or NaN (${dtype})`;
}
