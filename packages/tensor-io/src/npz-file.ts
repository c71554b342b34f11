import type { ByteSource } from './byte-source';
import { bytesPerElement, type DType } from './dtype';
import { npyTensor } from './npy';
import { type NpyHeader, npyHeaderLength, parseNpyHeader } from './npy-header';
import { arrayName, checkTotal, DEFAULT_MAX_BYTES, type NpzReadOptions } from './npz';
import { type TensorData, tensorFromBytes } from './tensor-data';
import { quoted, TensorFileError } from './tensor-file-error';
import { zipContent } from './zip-content';
import {
  LOCAL_HEADER_BYTES,
  MAX_END_BYTES,
  parseZipDirectory,
  parseZipEnd,
  type ZipEntry,
  zipDataOffset,
} from './zip-directory';

/** An open npz file: arrays are read one by one, and of a stored array any rows. */
export interface NpzFile {
  /** The names of all arrays, in the archive's order. */
  readonly names: readonly string[];
  /** dtype and shape of an array; inflates the array where it is deflated. */
  info(name: string): Promise<NpzArrayInfo>;
  /** Reads one array; the caller owns it. */
  read(name: string): Promise<TensorData>;
  /**
   * Reads `count` entries of the first axis from `start`, and of the file only their bytes (so the checksum stays
   * unchecked). Only for arrays that are stored, not deflated, in row-major order; {@link TensorFileError} otherwise.
   */
  readRows(name: string, start: number, count: number): Promise<TensorData>;
  /** Closes the source. */
  close(): Promise<void>;
}

/** What an npz file says of one array. */
export interface NpzArrayInfo {
  /** The element type. */
  readonly dtype: DType;
  /** The sizes of the axes. */
  readonly shape: readonly number[];
  /** Whether {@link NpzFile.readRows} can read it. */
  readonly rows: boolean;
}

interface Directory {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly dataOffset: (entry: ZipEntry) => Promise<number>;
}

async function readDirectory(source: ByteSource, maxBytes: number): Promise<Directory> {
  const { name: file, size } = source;
  const tail = Math.min(size, MAX_END_BYTES);
  const end = parseZipEnd(file, await source.read(size - tail, tail), size);
  const entries = parseZipDirectory(file, await source.read(end.offset, end.size), end);
  checkTotal(file, entries, maxBytes);
  return {
    entries: new Map(entries.map((entry) => [arrayName(file, entry.name), entry])),
    dataOffset: async (entry) =>
      zipDataOffset(file, entry, await source.read(entry.headerOffset, LOCAL_HEADER_BYTES), end),
  };
}

/**
 * Opens an npz file: reads the archive's directory only. The file owns the source from here on: `close` closes it, and so
 * does a failure to open. `options.maxBytes` has no limit by default here, since nothing is read until it is asked for.
 * @throws {@link TensorFileError} for an archive that breaks the format.
 */
export async function openNpz(source: ByteSource, options: NpzReadOptions = {}): Promise<NpzFile> {
  const { maxBytes = Number.POSITIVE_INFINITY } = options;
  const { entries, dataOffset } = await readDirectory(source, maxBytes).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const entryOf = (name: string): ZipEntry => {
    const entry = entries.get(name);
    if (!entry) throw new TensorFileError(source.name, `holds no array ${quoted(name)}`);
    return entry;
  };
  const readContent = async (entry: ZipEntry): Promise<Uint8Array> => {
    const limit = Math.min(maxBytes, DEFAULT_MAX_BYTES);
    if (entry.method === 8 && entry.size > limit) {
      throw new TensorFileError(source.name, `${quoted(entry.name)} inflates to ${entry.size} bytes, above ${limit}`);
    }
    return zipContent(source.name, entry, await source.read(await dataOffset(entry), entry.compressedSize));
  };
  const storedHeader = async (entry: ZipEntry): Promise<{ npy: NpyHeader; start: number }> => {
    const file = `${source.name}: ${entry.name}`;
    const start = await dataOffset(entry);
    const prefix = await source.read(start, Math.min(12, entry.size));
    const length = npyHeaderLength(file, prefix, entry.size);
    return { npy: parseNpyHeader(file, await source.read(start, length), entry.size), start };
  };
  const readHeader = async (entry: ZipEntry): Promise<NpyHeader> => {
    if (entry.method === 0) return (await storedHeader(entry)).npy;
    return parseNpyHeader(`${source.name}: ${entry.name}`, await readContent(entry), entry.size);
  };
  return {
    names: [...entries.keys()],
    async info(name) {
      const entry = entryOf(name);
      const { dtype, shape, fortranOrder } = await readHeader(entry);
      return { dtype, shape, rows: entry.method === 0 && !fortranOrder && shape.length > 0 };
    },
    async read(name) {
      const entry = entryOf(name);
      const content = await readContent(entry);
      const npy = parseNpyHeader(`${source.name}: ${entry.name}`, content, content.length);
      return npyTensor(npy, content.subarray(npy.dataOffset));
    },
    async readRows(name, start, count) {
      const entry = entryOf(name);
      const stored = entry.method === 0 ? await storedHeader(entry) : undefined;
      if (!stored || stored.npy.fortranOrder || stored.npy.shape.length === 0) {
        throw new TensorFileError(
          source.name,
          `${quoted(name)} is deflated, column-major or a scalar: it has no rows to read`,
        );
      }
      const { dtype, shape, bigEndian, dataOffset: offset } = stored.npy;
      if (
        !Number.isSafeInteger(start) ||
        !Number.isSafeInteger(count) ||
        start < 0 ||
        count < 0 ||
        start + count > shape[0]
      ) {
        throw new TensorFileError(
          source.name,
          `${quoted(name)} has ${shape[0]} rows, asked for ${count} from ${start}`,
        );
      }
      const rowBytes = shape.slice(1).reduce((product, size) => product * size, bytesPerElement(dtype));
      const bytes = await source.read(stored.start + offset + start * rowBytes, count * rowBytes);
      return tensorFromBytes(dtype, [count, ...shape.slice(1)], bytes, bigEndian);
    },
    close: () => source.close(),
  };
}
