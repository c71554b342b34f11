import { quoted, TensorFileError } from './tensor-file-error';

/** One file in a zip archive, as the central directory has it. */
export interface ZipEntry {
  /** Its name in the archive. */
  readonly name: string;
  /** 0: stored, 8: deflated. Others are not supported. */
  readonly method: number;
  /** Whether it is encrypted, which is not supported. */
  readonly encrypted: boolean;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Bytes in the archive. */
  readonly compressedSize: number;
  /** Bytes of the content. */
  readonly size: number;
  /** Where its local header starts. */
  readonly headerOffset: number;
  /** Where what follows it in the archive starts: the next entry, or the central directory. */
  readonly limit: number;
}

/** Where the central directory lies. */
export interface ZipEnd {
  /** Number of entries. */
  readonly count: number;
  /** Where it starts. */
  readonly offset: number;
  /** Its bytes. */
  readonly size: number;
}

/** The most bytes from the end of an archive that can hold the end records: comment, end record, zip64 locator and record. */
export const MAX_END_BYTES = 65_535 + 22 + 20 + 56;
/** Bytes of a local header before its name. */
export const LOCAL_HEADER_BYTES = 30;

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads a 64-bit size. A value above 2^53 is an error. */
function getSize(file: string, data: DataView, offset: number): number {
  const value = data.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new TensorFileError(file, `zip: a size of ${value} is impossible`);
  return Number(value);
}

/** Finds the end record in the last bytes (`tail`) of an archive of `fileSize` bytes; zip64 archives included (APPNOTE 4.3.14-16). */
export function parseZipEnd(file: string, tail: Uint8Array, fileSize: number): ZipEnd {
  const data = view(tail);
  let at = tail.length - 22;
  // The record's comment must reach exactly to the end of the file.
  while (
    at >= 0 &&
    !(data.getUint32(at, true) === 0x06054b50 && data.getUint16(at + 20, true) === tail.length - at - 22)
  )
    at--;
  if (at < 0) throw new TensorFileError(file, 'is not a zip archive, or is cut off: it has no end record');
  if (data.getUint32(at + 4, true) !== 0 || data.getUint16(at + 8, true) !== data.getUint16(at + 10, true)) {
    throw new TensorFileError(file, 'zip: archives of several disks are not read');
  }
  const tailStart = fileSize - tail.length;
  let end = {
    count: data.getUint16(at + 10, true),
    size: data.getUint32(at + 12, true),
    offset: data.getUint32(at + 16, true),
  };
  let behind = tailStart + at;
  if (at >= 20 && data.getUint32(at - 20, true) === 0x07064b50) {
    behind = getSize(file, data, at - 12);
    const record = behind - tailStart;
    if (record < 0 || record + 56 > at - 20 || data.getUint32(record, true) !== 0x06064b50) {
      throw new TensorFileError(file, 'zip: the zip64 end record is not where it should be');
    }
    end = {
      count: getSize(file, data, record + 32),
      size: getSize(file, data, record + 40),
      offset: getSize(file, data, record + 48),
    };
  }
  if (end.offset + end.size !== behind || end.count * 46 > end.size) {
    throw new TensorFileError(file, 'zip: the central directory does not lie before the end record');
  }
  return end;
}

function parseName(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new TensorFileError(file, 'zip: an entry name is not valid UTF-8', { cause });
  }
}

/**
 * Replaces each 0xffffffff of the entry by the value of the zip64 extra field (id 1), in this order: size, compressed
 * size, offset.
 */
function zip64Values(file: string, extra: Uint8Array, values: [number, number, number]): [number, number, number] {
  if (!values.includes(0xffffffff)) return values;
  const data = view(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + data.getUint16(at + 2, true)) {
    if (data.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    const end = next + data.getUint16(at + 2, true);
    return values.map((value) => {
      if (value !== 0xffffffff) return value;
      if (next + 8 > Math.min(end, extra.length)) throw new TensorFileError(file, 'zip: a zip64 field is cut off');
      next += 8;
      return getSize(file, data, next - 8);
    }) as [number, number, number];
  }
  throw new TensorFileError(file, 'zip: a zip64 entry has no zip64 field');
}

function parseEntry(file: string, bytes: Uint8Array, at: number): { entry: Omit<ZipEntry, 'limit'>; next: number } {
  const data = view(bytes);
  if (at + 46 > bytes.length || data.getUint32(at, true) !== 0x02014b50) {
    throw new TensorFileError(file, 'zip: the central directory is cut off or damaged');
  }
  const nameEnd = at + 46 + data.getUint16(at + 28, true);
  const extraEnd = nameEnd + data.getUint16(at + 30, true);
  const next = extraEnd + data.getUint16(at + 32, true);
  if (next > bytes.length) throw new TensorFileError(file, 'zip: the central directory is cut off');
  const name = parseName(file, bytes.subarray(at + 46, nameEnd));
  const encrypted = (data.getUint16(at + 8, true) & 0x2041) !== 0;
  const method = data.getUint16(at + 10, true);
  const [size, compressedSize, headerOffset] = zip64Values(file, bytes.subarray(nameEnd, extraEnd), [
    data.getUint32(at + 24, true),
    data.getUint32(at + 20, true),
    data.getUint32(at + 42, true),
  ]);
  const crc = data.getUint32(at + 16, true);
  return { entry: { name, method, encrypted, crc, compressedSize, size, headerOffset }, next };
}

/** Checks the declared sizes. One deflated byte cannot give more than 1032; a stored file has one size. */
function checkSizes(file: string, { name, method, encrypted, size, compressedSize }: Omit<ZipEntry, 'limit'>): void {
  if (encrypted || (method !== 0 && method !== 8)) return;
  if (method === 0 ? size !== compressedSize : size > compressedSize * 1032) {
    throw new TensorFileError(file, `zip entry ${quoted(name)}: ${compressedSize} bytes cannot hold ${size}`);
  }
}

/** Reads the central directory, and checks that names differ, sizes are possible, and no two entries share bytes. */
export function parseZipDirectory(file: string, bytes: Uint8Array, end: ZipEnd): ZipEntry[] {
  const entries: Omit<ZipEntry, 'limit'>[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < end.count; i++) {
    const { entry, next } = parseEntry(file, bytes, at);
    checkSizes(file, entry);
    if (names.has(entry.name)) throw new TensorFileError(file, `zip entry ${quoted(entry.name)} stands twice`);
    names.add(entry.name);
    entries.push(entry);
    at = next;
  }
  if (at !== bytes.length) throw new TensorFileError(file, 'zip: the central directory has bytes beyond its entries');
  const byOffset = [...entries].sort((a, b) => a.headerOffset - b.headerOffset);
  const limits = new Map<string, number>();
  byOffset.forEach(({ name, headerOffset, compressedSize }, i) => {
    const limit = byOffset[i + 1]?.headerOffset ?? end.offset;
    if (headerOffset + LOCAL_HEADER_BYTES + compressedSize > limit) {
      throw new TensorFileError(file, `zip entry ${quoted(name)} runs into what follows it`);
    }
    limits.set(name, limit);
  });
  return entries.map((entry) => ({ ...entry, limit: limits.get(entry.name)! }));
}

/** Throws {@link TensorFileError} for an entry that is encrypted or compressed in another way than by deflate. */
export function checkReadable(file: string, { name, method, encrypted }: ZipEntry): void {
  if (!encrypted && (method === 0 || method === 8)) return;
  const problem = encrypted ? ' is encrypted' : `: expected stored or deflated, got method ${method}`;
  throw new TensorFileError(file, `zip entry ${quoted(name)}${problem}`, { unreadable: true });
}

/** Where an entry's data starts, from its local header's first 30 bytes. */
export function zipDataOffset(file: string, entry: ZipEntry, header: Uint8Array): number {
  const data = view(header);
  if (header.length < LOCAL_HEADER_BYTES || data.getUint32(0, true) !== 0x04034b50) {
    throw new TensorFileError(file, `zip entry ${quoted(entry.name)} has no local header`);
  }
  const offset = entry.headerOffset + LOCAL_HEADER_BYTES + data.getUint16(26, true) + data.getUint16(28, true);
  if (data.getUint16(8, true) !== entry.method || offset + entry.compressedSize > entry.limit) {
    throw new TensorFileError(file, `zip entry ${quoted(entry.name)}: its local header does not fit the directory`);
  }
  return offset;
}
