import type { FileHandle } from 'node:fs/promises';
import { checkOptions } from '../arguments';
import { crc32 } from '../crc32';
import { arrayOf, bytesPerElement, type DType } from '../dtype';
import { encodeNpyHeader } from '../npy-header';
import { entryName } from '../npz';
import { countElements, type TensorData, tensorBytes } from '../tensor-data';
import { shown, TensorFileError } from '../tensor-file-error';
import { type ZipRecord, zipDirectory, zipLocalHeader } from '../zip-write';
import { replaceFile, writeAll } from './atomic-file';

/** The array that {@link writeNpzArray} writes. */
export interface NpzArraySpec {
  /** Its shape, known before the first row: `[count, height, width, channels]` for images. */
  readonly shape: readonly number[];
  /** Its element type (default `'U8'`). */
  readonly dtype?: DType;
  /** Its name (default `'arr_0'`, what `numpy.savez` gives the first array). */
  readonly name?: string;
}

/** Writes header and rows, and then writes the checksum, which is known only at the end, into the header. */
async function writeEntry(
  path: string,
  handle: FileHandle,
  spec: Required<NpzArraySpec>,
  rows: ArrayRows,
): Promise<void> {
  const { shape, dtype, name } = spec;
  const npy = encodeNpyHeader(path, dtype, shape);
  const size = npy.length + countElements(shape)! * bytesPerElement(dtype);
  const entry: ZipRecord = {
    name: entryName(path, name),
    method: 0,
    crc: 0,
    compressedSize: size,
    size,
    headerOffset: 0,
  };
  const header = zipLocalHeader(entry);
  await writeAll(handle, header);
  await writeAll(handle, npy);
  let crc = crc32(npy);
  let written = npy.length;
  for await (const data of rows) {
    if (!(data instanceof arrayOf[dtype])) throw new TensorFileError(path, `expected rows of ${arrayOf[dtype].name}`);
    const bytes = tensorBytes({ dtype, shape: [data.length], data } as TensorData);
    written += bytes.length;
    if (written > size) throw new TensorFileError(path, `got more values than shape ${shown(shape)} takes`);
    crc = crc32(bytes, crc);
    await writeAll(handle, bytes);
  }
  if (written !== size) {
    throw new TensorFileError(
      path,
      `shape ${shown(shape)} takes ${size - npy.length} bytes, got ${written - npy.length}`,
    );
  }
  for (const part of zipDirectory([{ ...entry, crc }], header.length + size)) await writeAll(handle, part);
  const final = zipLocalHeader({ ...entry, crc });
  await handle.write(final, 0, final.length, 0);
}

/** Values of an array, some rows at a time. */
export type ArrayRows = Iterable<TensorData['data']> | AsyncIterable<TensorData['data']>;

/**
 * Writes an npz file of one stored array, row by row, so that the array is never in memory as a whole. This is the
 * usual form of sample batches (`arr_0`, uint8, NHWC), of any size (zip64). The file is written whole or not at all, as
 * by {@link writeFileAtomic}.
 * @param rows typed arrays of the dtype, which together hold exactly the values of `spec.shape` in row-major order.
 * @throws {@link TensorFileError} where the values are too few, too many or of another type, or the file cannot be
 *   written.
 */
export async function writeNpzArray(path: string, spec: NpzArraySpec, rows: ArrayRows): Promise<void> {
  checkOptions(path, spec, ['shape', 'dtype', 'name']);
  const { shape, dtype = 'U8', name = 'arr_0' } = spec;
  if (countElements(shape, Number.MAX_SAFE_INTEGER / 16) === undefined) {
    throw new TensorFileError(path, `shape: expected sizes that are natural numbers, got ${shown(shape)}`);
  }
  await replaceFile(path, (handle) => writeEntry(path, handle, { shape, dtype, name }, rows));
}
