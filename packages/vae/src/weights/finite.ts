import { firstNonFinite, type TensorData } from '@learngene/tensor-io';

/** Throws unless a tensor is of a floating dtype and all its numbers are finite. */
export function checkFinite(name: string, tensor: TensorData): void {
  const { dtype, data } = tensor;
  const bad = firstNonFinite(tensor);
  if (bad === undefined) throw new Error(`${name}: expected a floating dtype, got ${dtype}`);
  if (bad >= 0)
    throw new Error(`${name}: expected finite numbers, got ${spelled(tensor)} at element ${bad} of ${data.length}`);
}

function spelled({ dtype }: TensorData): string {
  return `an infinity or NaN (${dtype})`;
}
