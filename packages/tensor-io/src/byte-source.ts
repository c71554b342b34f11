import { checkBytes } from './arguments';
import { TensorFileError } from './tensor-file-error';

/** Something that reads the bytes of a file by offset: a file on disk, bytes in memory, a URL. */
export interface ByteSource {
  /** What the file is called in errors. */
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset` into an array that the caller owns.
   *
   * @throws {@link TensorFileError} where they cannot be read
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Releases what the source holds. Reading afterwards is an error. */
  close(): Promise<void>;
}

/** Checks a range against the size of a file. */
export function checkRange(file: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new TensorFileError(file, `expected an offset and a length, got ${offset} and ${length}`);
  }
  if (offset + length > size) {
    throw new TensorFileError(file, `bytes ${offset} to ${offset + length} lie beyond the file's ${size} bytes`);
  }
}

/**
 * Allocates bytes.
 *
 * @throws {@link TensorFileError} where the machine cannot hold so many
 */
export function allocate(file: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new TensorFileError(file, `cannot hold ${length} bytes in memory`, { cause });
  }
}

/** A source over bytes in memory; `read` copies. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  checkBytes(name, bytes);
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      checkRange(name, bytes.length, offset, length);
      // Not slice: that of Node's Buffer copies nothing.
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
    async close() {},
  };
}
