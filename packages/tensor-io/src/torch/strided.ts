import { TensorFileError } from '../tensor-file-error';

/** Whether a tensor lies in row-major order without gaps. Axes of size 1 may have any stride. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue;
    if (strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Arrays by the bytes of an element: what the elements are does not matter when they are copied. */
const arrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array };

/**
 * Copies the elements of a strided tensor into row-major order. The first element is the first of `bytes`.
 *
 * @param count Product of the shape
 * @returns a new array
 */
export function gather(
  bytes: Uint8Array,
  {
    shape,
    strides,
    count,
    width,
  }: { shape: readonly number[]; strides: readonly number[]; count: number; width: number },
): Uint8Array {
  const Elements = arrays[width as keyof typeof arrays] as typeof Uint32Array;
  // A view must begin at a multiple of its width.
  const own = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const source = new Elements(own.buffer, own.byteOffset, own.byteLength / width);
  const result = new Elements(count);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    result[to] = source[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return new Uint8Array(result.buffer);
}

/** How far an expanded tensor, whose elements overlap in the file, may grow when it is copied. */
const MAX_EXPANDED_BYTES = 2 ** 26;

/** Throws where a contiguous copy of an overlapping tensor would be large out of a few bytes. */
export function checkExpanded(file: string, name: string, { bytes, stored }: { bytes: number; stored: number }): void {
  if (bytes <= stored || bytes <= MAX_EXPANDED_BYTES) return;
  throw new TensorFileError(
    file,
    `tensor ${name}: its ${stored} bytes are expanded to ${bytes}, more than ${MAX_EXPANDED_BYTES}`,
  );
}
