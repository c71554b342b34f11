import { hostIsLittleEndian, swapBytes } from './byte-order';
import { arrayOf, bytesPerElement, type DType, isDType, type TensorArrays } from './dtype';
import { quoted, shown, TensorFileError } from './tensor-file-error';

/** A tensor of one dtype, in memory. */
export interface TensorOf<D extends DType> {
  /** The element type. */
  readonly dtype: D;
  /** The sizes of the axes; `[]` is a scalar, a size of 0 an empty tensor. */
  readonly shape: readonly number[];
  /** The elements in row-major (C) order, as many as the product of `shape`. */
  readonly data: TensorArrays[D];
}

/** A tensor in memory: dtype, shape, and the typed array that goes with the dtype (raw bits for F16 and BF16). */
export type TensorData = { [D in DType]: TensorOf<D> }[DType];

/** Tensors by name. */
export type NamedTensors = ReadonlyMap<string, TensorData>;

/**
 * Returns the number of elements of a shape, or undefined where a size is no natural number or the product exceeds
 * `limit`.
 */
export function countElements(shape: readonly unknown[], limit = Number.MAX_SAFE_INTEGER): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || Object.is(size, -0)) return undefined;
    count *= size;
    if (count > limit) return undefined;
  }
  return count;
}

/**
 * Checks a tensor that is to be written: its dtype, its shape, and that `data` is the typed array of that dtype with as
 * many elements.
 */
export function checkTensor(file: string, name: string, tensor: TensorData): void {
  if (typeof tensor !== 'object' || tensor === null) {
    throw new TensorFileError(file, `tensor ${quoted(name)}: expected dtype, shape and data, got ${shown(tensor)}`);
  }
  const { dtype, shape, data } = tensor;
  if (!isDType(dtype)) throw new TensorFileError(file, `tensor ${quoted(name)}: unknown dtype ${shown(dtype)}`);
  if (!(data instanceof arrayOf[dtype])) {
    const got = Object.prototype.toString.call(data).slice(8, -1);
    throw new TensorFileError(file, `tensor ${quoted(name)}: expected ${arrayOf[dtype].name} for ${dtype}, got ${got}`);
  }
  if (!Array.isArray(shape)) {
    throw new TensorFileError(file, `tensor ${quoted(name)}: expected a list of sizes as shape, got ${shown(shape)}`);
  }
  const count = countElements(shape);
  if (count !== data.length) {
    const expected = count === undefined ? 'sizes that are natural numbers' : `${count} values`;
    throw new TensorFileError(
      file,
      `tensor ${quoted(name)}: shape ${shown(shape)} needs ${expected}, got ${data.length} values`,
    );
  }
}

/** Returns the little-endian bytes of a tensor: a view of its data on a little-endian machine. */
export function tensorBytes(tensor: TensorData): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data;
  const view = new Uint8Array(buffer, byteOffset, byteLength);
  return hostIsLittleEndian ? view : swapBytes(new Uint8Array(view), bytesPerElement(tensor.dtype));
}

/**
 * Makes a tensor of little-endian (default) or big-endian bytes. Where the bytes are aligned and in the machine's order
 * the data is a view of them, otherwise a copy. `bytes` must hold exactly the elements of `shape`.
 */
export function tensorFromBytes(
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
  bigEndian = false,
): TensorData {
  const width = bytesPerElement(dtype);
  const swap = width > 1 && bigEndian === hostIsLittleEndian;
  const aligned = bytes.byteOffset % width === 0;
  // Not slice: that of Node's Buffer copies nothing.
  const own = swap || !aligned ? new Uint8Array(bytes) : bytes;
  if (swap) swapBytes(own, width);
  const data = new arrayOf[dtype](own.buffer, own.byteOffset, own.byteLength / width);
  return { dtype, shape, data } as TensorData;
}
