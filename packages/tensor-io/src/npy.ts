import { checkBytes, checkOptions } from './arguments';
import { concatBytes } from './concat-bytes';
import { fromFortranOrder } from './fortran-order';
import { encodeNpyHeader, type NpyHeader, parseNpyHeader, readableNpy } from './npy-header';
import { checkTensor, type TensorData, tensorBytes, tensorFromBytes } from './tensor-data';

/** Returns the two pieces of an npy file: the header, and a view of the data. */
export function npyChunks(file: string, tensor: TensorData): [Uint8Array, Uint8Array] {
  checkTensor(file, 'data', tensor);
  return [encodeNpyHeader(file, tensor.dtype, tensor.shape), tensorBytes(tensor)];
}

/**
 * Makes a tensor from a header and data bytes. Its data may be a view of `bytes`.
 *
 * @throws for an unsupported element type
 */
export function npyTensor(file: string, header: NpyHeader, bytes: Uint8Array): TensorData {
  const { dtype, shape, bigEndian, fortranOrder } = readableNpy(file, header);
  const tensor = tensorFromBytes(dtype, shape, bytes, bigEndian);
  return fortranOrder ? fromFortranOrder(tensor) : tensor;
}

/**
 * Encodes a tensor as an npy file (version 1.0, row-major, little-endian), byte for byte what `numpy.save` writes. The
 * caller owns the array.
 * @throws {@link TensorFileError} for BF16, which npy does not have, and where the data does not fit the shape.
 */
export function encodeNpy(tensor: TensorData): Uint8Array {
  return concatBytes(npyChunks('npy', tensor));
}

/**
 * Decodes an npy file (versions 1.0, 2.0, 3.0; either byte order; row- or column-major) of booleans, integers or
 * floats. Python objects are refused. The data is a view of `bytes` where nothing must be rearranged, otherwise a new
 * array.
 * @param options.name what the file is called in errors (default `'npy'`).
 * @throws {@link TensorFileError} for any file that breaks the format, also where bytes follow the data.
 */
export function decodeNpy(bytes: Uint8Array, options: { name?: string } = {}): TensorData {
  const file = options?.name ?? 'npy';
  checkOptions(file, options, ['name']);
  checkBytes(file, bytes);
  const header = parseNpyHeader(file, bytes, bytes.length);
  return npyTensor(file, header, bytes.subarray(header.dataOffset));
}
