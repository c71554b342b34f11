import { deflateSync } from 'fflate';
import { checkBytes, checkLimit, checkOptions, checkTensors } from './arguments';
import { concatBytes } from './concat-bytes';
import { crc32 } from './crc32';
import { npyChunks, npyTensor } from './npy';
import { parseNpyHeader } from './npy-header';
import { askedNames, readEach } from './read-each';
import type { NamedTensors, TensorData } from './tensor-data';
import { quoted, TensorFileError } from './tensor-file-error';
import { zipContent } from './zip-content';
import {
  checkReadable,
  LOCAL_HEADER_BYTES,
  MAX_END_BYTES,
  parseZipDirectory,
  parseZipEnd,
  type ZipEntry,
  zipDataOffset,
} from './zip-directory';
import { type ZipRecord, zipDirectory, zipLocalHeader } from './zip-write';

/** Options of the npz writers. */
export interface NpzOptions {
  /** Deflate the arrays, as `numpy.savez_compressed` does (default false: store them). */
  compress?: boolean;
}

/** Options of the npz readers. */
export interface NpzReadOptions {
  /** What the file is called in errors (default `'npz'`). */
  name?: string;
  /** The most bytes that the arrays asked for may take together (default 4 GiB). */
  maxBytes?: number;
  /** The arrays to read (default all, or those of `optional` alone); one that the file does not hold is an error. */
  names?: readonly string[];
  /** Arrays to read where the file holds them, beside `names`. */
  optional?: readonly string[];
}

/** Options of the npz readers that take a path; errors name the path. */
export type NpzFileOptions = Omit<NpzReadOptions, 'name'>;

/** The default of {@link NpzReadOptions.maxBytes}. */
export const DEFAULT_MAX_BYTES = 2 ** 32;

/** Whether a name would lead out of a folder, or holds characters that hide it. */
function isUnsafe(name: string): boolean {
  return /[\\\p{Cc}]/u.test(name) || name.split('/').some((part) => part === '' || part === '.' || part === '..');
}

/** The arrays of an archive by name: the entry's name without `.npy`. Entries with other endings are no arrays. */
export function arrayEntries(file: string, entries: readonly ZipEntry[]): Map<string, ZipEntry> {
  const arrays = new Map<string, ZipEntry>();
  for (const entry of entries) {
    if (!entry.name.endsWith('.npy')) continue;
    const name = entry.name.slice(0, -4);
    if (isUnsafe(name)) throw new TensorFileError(file, `expected names of arrays, got entry ${quoted(entry.name)}`);
    arrays.set(name, entry);
  }
  return arrays;
}

/** Checks the name of an array that is to be written. */
export function entryName(file: string, name: string): string {
  const bytes = new TextEncoder().encode(`${name}.npy`).length;
  if (isUnsafe(name) || /\p{Surrogate}/u.test(name) || bytes > 0xffff)
    throw new TensorFileError(file, `${quoted(name)} cannot be an array's name`);
  return `${name}.npy`;
}

/** Yields an npz file in pieces, without copying stored data; see {@link encodeNpz}. */
export function* npzChunks(file: string, tensors: NamedTensors, options: NpzOptions = {}): Generator<Uint8Array> {
  checkTensors(file, tensors);
  checkOptions(file, options, ['compress']);
  const { compress = false } = options;
  const entries: ZipRecord[] = [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const pieces = npyChunks(`${file}: ${name}`, tensor);
    const crc = crc32(pieces[1], crc32(pieces[0]));
    const size = pieces[0].length + pieces[1].length;
    const body = compress ? [deflateSync(concatBytes(pieces))] : pieces;
    const compressedSize = body.reduce((sum, piece) => sum + piece.length, 0);
    const entry: ZipRecord = {
      name: entryName(file, name),
      method: compress ? 8 : 0,
      crc,
      compressedSize,
      size,
      headerOffset: offset,
    };
    entries.push(entry);
    const header = zipLocalHeader(entry);
    offset += header.length + compressedSize;
    yield header;
    yield* body;
  }
  yield* zipDirectory(entries, offset);
}

/**
 * Encodes tensors as an npz file: every tensor is `<name>.npy` in a zip archive, stored or deflated. The same tensors
 * give the same bytes. The caller owns the new array.
 * @throws {@link TensorFileError} for BF16, for a name that would be a path, and where data does not fit its shape.
 */
export function encodeNpz(tensors: NamedTensors, options: NpzOptions = {}): Uint8Array {
  return concatBytes([...npzChunks('npz', tensors, options)]);
}

/**
 * Checks the declared sizes of the arrays asked for against a limit, before anything is inflated. Returns their names.
 */
export function checkTotal(
  file: string,
  arrays: ReadonlyMap<string, ZipEntry>,
  { maxBytes = DEFAULT_MAX_BYTES, ...asked }: NpzReadOptions,
): string[] {
  checkLimit(file, 'maxBytes', maxBytes);
  const names = askedNames(file, arrays.keys(), asked);
  const total = names.reduce((sum, name) => sum + arrays.get(name)!.size, 0);
  if (total > maxBytes) throw new TensorFileError(file, `the arrays take ${total} bytes, above maxBytes ${maxBytes}`);
  return names;
}

/**
 * Decodes an npz file. The archive is checked (directory, sizes, overlaps, checksums), and every array as by
 * {@link decodeNpy}. zip64 is supported, encryption is not. A stored array is a view of `bytes` where it lies aligned;
 * others are new arrays. An array of an unsupported element type (Python objects, complex numbers, strings, records) is
 * listed by name; `get` of that name, or iterating over the values, throws.
 * @throws {@link TensorFileError} for a file that breaks the format or lacks an array that was asked for, and for a
 *   wrong option.
 */
export function decodeNpz(bytes: Uint8Array, options: NpzReadOptions = {}): Map<string, TensorData> {
  const file = options?.name ?? 'npz';
  checkOptions(file, options, ['name', 'maxBytes', 'names', 'optional']);
  checkBytes(file, bytes);
  const end = parseZipEnd(file, bytes.subarray(-MAX_END_BYTES), bytes.length);
  const entries = parseZipDirectory(file, bytes.subarray(end.offset, end.offset + end.size), end);
  const arrays = arrayEntries(file, entries);
  return readEach(checkTotal(file, arrays, options), (name) => {
    const entry = arrays.get(name)!;
    checkReadable(file, entry);
    const header = bytes.subarray(entry.headerOffset, entry.headerOffset + LOCAL_HEADER_BYTES);
    const start = zipDataOffset(file, entry, header);
    const content = zipContent(file, entry, bytes.subarray(start, start + entry.compressedSize));
    const at = `${file}: ${entry.name}`;
    const npy = parseNpyHeader(at, content, content.length);
    return npyTensor(at, npy, content.subarray(npy.dataOffset));
  });
}
