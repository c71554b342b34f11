import { checkLimit, checkOptions, checkSource } from './arguments';
import type { ByteSource } from './byte-source';
import { inflatedSource, storedSource } from './inflated-source';
import { npyTensor } from './npy';
import { type NpyInfo, npyInfo, readNpyHeader, readNpyRows } from './npy-file';
import { type NpyHeader, parseNpyHeader } from './npy-header';
import { arrayEntries, checkTotal, DEFAULT_MAX_BYTES, type NpzFileOptions } from './npz';
import type { TensorData } from './tensor-data';
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

/** An open npz file. Arrays are read one by one, whole or some rows of them. */
export interface NpzFile {
  /** The names of all arrays, in the archive's order. Other files in the archive are ignored. */
  readonly names: readonly string[];
  /** Returns dtype and shape of an array. Reads (and inflates) only its first bytes. */
  info(name: string): Promise<NpyInfo>;
  /**
   * Reads one array; the caller owns it.
   *
   * @throws {@link TensorFileError} for an unsupported element type
   */
  read(name: string): Promise<TensorData>;
  /**
   * Reads `count` entries of the first axis from `start`. For a stored array only the bytes of these rows are read, so
   * the checksum is not checked. A deflated array is inflated in bounded memory, from the last row read onward. Read
   * its rows in order: going back inflates it again from the beginning.
   *
   * @throws {@link TensorFileError} for an array in column-major order
   */
  readRows(name: string, start: number, count: number): Promise<TensorData>;
  /** Closes the source. */
  close(): Promise<void>;
}

interface Directory {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly dataOffset: (entry: ZipEntry) => Promise<number>;
}

async function readDirectory(source: ByteSource, options: NpzFileOptions): Promise<Directory> {
  const { name: file, size } = source;
  const tail = Math.min(size, MAX_END_BYTES);
  const end = parseZipEnd(file, await source.read(size - tail, tail), size);
  const entries = parseZipDirectory(file, await source.read(end.offset, end.size), end);
  const arrays = arrayEntries(file, entries);
  checkTotal(file, arrays, options);
  return {
    entries: arrays,
    dataOffset: async (entry) => zipDataOffset(file, entry, await source.read(entry.headerOffset, LOCAL_HEADER_BYTES)),
  };
}

/**
 * Opens an npz file: reads the archive's directory only. The file owns the source from here on: `close` closes it, and
 * so does a failure to open. `options.maxBytes` is unlimited by default here, since nothing is read until it is asked
 * for.
 * @throws {@link TensorFileError} for an archive that breaks the format or lacks an array that was asked for, and for a
 *   wrong option.
 */
export async function openNpz(source: ByteSource, options: NpzFileOptions = {}): Promise<NpzFile> {
  checkSource('openNpz', source);
  const { maxBytes = Number.POSITIVE_INFINITY } = options ?? {};
  const open = async () => {
    checkOptions(source.name, options, ['maxBytes', 'names', 'optional']);
    checkLimit(source.name, 'maxBytes', maxBytes);
    return readDirectory(source, { ...options, maxBytes });
  };
  const { entries, dataOffset } = await open().catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const entryOf = (name: string): ZipEntry => {
    const entry = entries.get(name);
    if (!entry) throw new TensorFileError(source.name, `holds no array ${quoted(name)}`);
    return entry;
  };
  const contents = new Map<string, Promise<ByteSource>>();
  const contentOf = (name: string): Promise<ByteSource> => {
    const entry = entryOf(name);
    checkReadable(source.name, entry);
    const known = contents.get(name);
    if (known) return known;
    const make = entry.method === 0 ? storedSource : inflatedSource;
    const content = dataOffset(entry).then((offset) => make(source, entry, offset));
    contents.set(name, content);
    content.catch(() => contents.delete(name));
    return content;
  };
  // Kept, since reading a deflated array again would inflate it again from the beginning.
  const headers = new Map<string, NpyHeader>();
  const headerOf = async (name: string): Promise<NpyHeader> => {
    const header = headers.get(name) ?? (await readNpyHeader(await contentOf(name)));
    headers.set(name, header);
    return header;
  };
  return {
    names: [...entries.keys()],
    info: async (name) => npyInfo(await headerOf(name)),
    async read(name) {
      const entry = entryOf(name);
      checkReadable(source.name, entry);
      const limit = Math.min(maxBytes, DEFAULT_MAX_BYTES);
      if (entry.method === 8 && entry.size > limit) {
        throw new TensorFileError(source.name, `${quoted(entry.name)} inflates to ${entry.size} bytes, above ${limit}`);
      }
      const bytes = await source.read(await dataOffset(entry), entry.compressedSize);
      const content = zipContent(source.name, entry, bytes);
      const file = `${source.name}: ${entry.name}`;
      const npy = parseNpyHeader(file, content, content.length);
      return npyTensor(file, npy, content.subarray(npy.dataOffset));
    },
    async readRows(name, start, count) {
      const header = await headerOf(name);
      return readNpyRows(await contentOf(name), header, { start, count });
    },
    close: () => source.close(),
  };
}
