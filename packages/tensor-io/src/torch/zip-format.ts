import type { ByteSource } from '../byte-source';
import { crc32 } from '../crc32';
import { quoted, TensorFileError } from '../tensor-file-error';
import {
  LOCAL_HEADER_BYTES,
  MAX_END_BYTES,
  parseZipDirectory,
  parseZipEnd,
  type ZipEntry,
  zipDataOffset,
} from '../zip-directory';
import type { TorchContainer } from './container';
import { MAX_PICKLE_BYTES, tryUnpickle } from './pickle-of-file';
import { torchResolver } from './resolver';
import { type Storage, StorageTable } from './storage';

/** The longest directory: a file has an entry for each storage, of about 100 bytes. */
const MAX_DIRECTORY_BYTES = 2 ** 24;
/** The longest text in an entry that says something about the file. */
const MAX_NOTE_BYTES = 64;

/** An archive that torch wrote: its entries by their names below the one folder that it has. */
interface Archive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly dataOffset: (entry: ZipEntry) => Promise<number>;
}

/** Whether a name stays within a folder: no absolute path, no `..`, no drive, no backslash. */
function isSafeName(name: string): boolean {
  const parts = name.split('/');
  return !/[\\:\p{Cc}]/u.test(name) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

async function openArchive(source: ByteSource): Promise<Archive> {
  const { name: file, size } = source;
  const tail = Math.min(size, MAX_END_BYTES);
  const end = parseZipEnd(file, await source.read(size - tail, tail), size);
  if (end.size > MAX_DIRECTORY_BYTES) {
    throw new TensorFileError(file, `zip: a directory of ${end.size} bytes is longer than ${MAX_DIRECTORY_BYTES}`);
  }
  const all = parseZipDirectory(file, await source.read(end.offset, end.size), end);
  const odd = all.find(({ name }) => !isSafeName(name));
  if (odd !== undefined)
    throw new TensorFileError(file, `zip entry ${quoted(odd.name)}: a name that leaves its folder`);
  return {
    entries: belowFolder(file, all),
    dataOffset: async (entry) => zipDataOffset(file, entry, await source.read(entry.headerOffset, LOCAL_HEADER_BYTES)),
  };
}

/** The entries by their names below the archive's folder, which every entry must be in. */
function belowFolder(file: string, all: readonly ZipEntry[]): Map<string, ZipEntry> {
  const [folder = ''] = all[0]?.name.split('/') ?? [];
  const entries = new Map<string, ZipEntry>();
  for (const entry of all) {
    if (!entry.name.startsWith(`${folder}/`)) {
      throw new TensorFileError(file, `zip entry ${quoted(entry.name)}: expected it in the folder ${quoted(folder)}`);
    }
    entries.set(entry.name.slice(folder.length + 1), entry);
  }
  if (entries.has('constants.pkl')) {
    throw new TensorFileError(file, 'is a program of TorchScript (it has constants.pkl), not a file of tensors');
  }
  if (!entries.has('data.pkl')) {
    throw new TensorFileError(file, `is a zip archive without ${quoted(`${folder}/data.pkl`)}: torch did not write it`);
  }
  return entries;
}

/** Throws for an entry that is not stored as it is: torch compresses nothing. */
function checkStored(file: string, { name, method, encrypted }: ZipEntry): void {
  if (method === 0 && !encrypted) return;
  const how = encrypted ? 'encrypted' : `compressed (method ${method})`;
  throw new TensorFileError(
    file,
    `zip entry ${quoted(name)} is ${how}, which torch never writes: unpack the archive and zip it anew without compression`,
  );
}

function checkCrc(file: string, entry: ZipEntry, bytes: Uint8Array): void {
  if (crc32(bytes) !== entry.crc) throw new TensorFileError(file, `zip entry ${quoted(entry.name)}: wrong checksum`);
}

/** The content of a short entry. */
async function readEntry(source: ByteSource, archive: Archive, name: string, limit: number): Promise<Uint8Array> {
  const entry = archive.entries.get(name)!;
  checkStored(source.name, entry);
  if (entry.size > limit) {
    throw new TensorFileError(
      source.name,
      `zip entry ${quoted(entry.name)}: ${entry.size} bytes are more than ${limit}`,
    );
  }
  const bytes = await source.read(await archive.dataOffset(entry), entry.size);
  checkCrc(source.name, entry, bytes);
  return bytes;
}

/** Whether numbers are big-endian, which files say since torch 2.1; older ones are little-endian. */
async function isBigEndian(source: ByteSource, archive: Archive): Promise<boolean> {
  if (!archive.entries.has('byteorder')) return false;
  const text = new TextDecoder().decode(await readEntry(source, archive, 'byteorder', MAX_NOTE_BYTES));
  if (text === 'little' || text === 'big') return text === 'big';
  throw new TensorFileError(source.name, `byteorder: expected little or big, got ${quoted(text)}`);
}

/** The entry of a storage, which must have exactly its bytes. */
function entryOf(file: string, archive: Archive, { key, byteLength }: Storage): ZipEntry {
  const entry = archive.entries.get(`data/${key}`);
  if (entry === undefined) throw new TensorFileError(file, `storage ${quoted(key)}: its data are missing`);
  checkStored(file, entry);
  if (entry.size !== byteLength) {
    throw new TensorFileError(file, `storage ${quoted(key)}: expected ${byteLength} bytes of data, got ${entry.size}`);
  }
  return entry;
}

/** Opens a file in the format of torch since 1.6: a zip archive of one pickle, and one entry for each storage. */
export async function openZipFormat(source: ByteSource): Promise<TorchContainer> {
  const archive = await openArchive(source);
  const bigEndian = await isBigEndian(source, archive);
  const storages = new StorageTable();
  const pickle = await readEntry(source, archive, 'data.pkl', MAX_PICKLE_BYTES);
  const read = tryUnpickle(source.name, pickle, torchResolver(storages));
  if (read === undefined) throw new TensorFileError(source.name, 'pickle ends before its STOP: it is cut off');
  if (read.end !== pickle.length) {
    throw new TensorFileError(source.name, `pickle has ${pickle.length - read.end} bytes behind its STOP`);
  }
  for (const storage of storages.storages.values()) entryOf(source.name, archive, storage);
  return {
    format: 'zip',
    value: read.value,
    bigEndian,
    async content(storage) {
      const entry = entryOf(source.name, archive, storage);
      const offset = await archive.dataOffset(entry);
      return { source, offset, check: (bytes) => checkCrc(source.name, entry, bytes) };
    },
  };
}
