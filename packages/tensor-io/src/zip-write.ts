/** What a zip header says about a file that is written. */
export interface ZipRecord {
  /** The file's name in the archive. */
  readonly name: string;
  /** 0: stored, 8: deflated. */
  readonly method: 0 | 8;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Bytes in the archive. */
  readonly compressedSize: number;
  /** Bytes of the content. */
  readonly size: number;
  /** Where its local header starts. */
  readonly headerOffset: number;
}

const U16_MAX = 0xffff;
const U32_MAX = 0xffffffff;
/** 1 January 1980, the zero of zip's calendar: the same tensors give the same bytes. */
const DOS_DATE = 0x0021;

function record(bytes: number, fields: (data: DataView) => void, ...tail: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(tail.reduce((sum, part) => sum + part.length, bytes));
  fields(new DataView(result.buffer));
  let offset = bytes;
  for (const part of tail) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** The zip64 extra field (id 1) of these values. */
function zip64Field(values: readonly number[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  return record(4 + 8 * values.length, (data) => {
    data.setUint16(0, 1, true);
    data.setUint16(2, 8 * values.length, true);
    for (const [i, value] of values.entries()) data.setBigUint64(4 + 8 * i, BigInt(value), true);
  });
}

/** Version needed, flags (names in UTF-8), method, time, date, CRC: the fields that both headers share. */
function setCommon(data: DataView, at: number, { method, crc }: ZipRecord): void {
  data.setUint16(at, 45, true);
  data.setUint16(at + 2, 0x0800, true);
  data.setUint16(at + 4, method, true);
  data.setUint16(at + 8, DOS_DATE, true);
  data.setUint32(at + 10, crc, true);
}

/**
 * Makes the header before a file's data. Sizes always go into a zip64 field, as numpy writes them, so the header's
 * length does not depend on them.
 */
export function zipLocalHeader(entry: ZipRecord): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const extra = zip64Field([entry.size, entry.compressedSize]);
  const fields = (data: DataView) => {
    data.setUint32(0, 0x04034b50, true);
    setCommon(data, 4, entry);
    data.setUint32(18, U32_MAX, true);
    data.setUint32(22, U32_MAX, true);
    data.setUint16(26, name.length, true);
    data.setUint16(28, extra.length, true);
  };
  return record(30, fields, name, extra);
}

function directoryEntry(entry: ZipRecord): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const values = [entry.size, entry.compressedSize, entry.headerOffset];
  const extra = zip64Field(values.filter((value) => value >= U32_MAX));
  const fields = (data: DataView) => {
    data.setUint32(0, 0x02014b50, true);
    data.setUint16(4, 45, true);
    setCommon(data, 6, entry);
    data.setUint32(20, Math.min(entry.compressedSize, U32_MAX), true);
    data.setUint32(24, Math.min(entry.size, U32_MAX), true);
    data.setUint16(28, name.length, true);
    data.setUint16(30, extra.length, true);
    data.setUint32(42, Math.min(entry.headerOffset, U32_MAX), true);
  };
  return record(46, fields, name, extra);
}

/** The central directory at `offset` and the end records, with the zip64 ones where a number needs them. */
export function zipDirectory(entries: readonly ZipRecord[], offset: number): Uint8Array[] {
  const directory = entries.map(directoryEntry);
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries.length;
  const end = record(22, (data) => {
    data.setUint32(0, 0x06054b50, true);
    data.setUint16(8, Math.min(count, U16_MAX), true);
    data.setUint16(10, Math.min(count, U16_MAX), true);
    data.setUint32(12, Math.min(size, U32_MAX), true);
    data.setUint32(16, Math.min(offset, U32_MAX), true);
  });
  if (count < U16_MAX && size < U32_MAX && offset < U32_MAX) return [...directory, end];
  const zip64End = record(56 + 20, (data) => {
    data.setUint32(0, 0x06064b50, true);
    data.setBigUint64(4, 44n, true);
    data.setUint16(12, 45, true);
    data.setUint16(14, 45, true);
    data.setBigUint64(24, BigInt(count), true);
    data.setBigUint64(32, BigInt(count), true);
    data.setBigUint64(40, BigInt(size), true);
    data.setBigUint64(48, BigInt(offset), true);
    data.setUint32(56, 0x07064b50, true);
    data.setBigUint64(64, BigInt(offset + size), true);
    data.setUint32(72, 1, true);
  });
  return [...directory, zip64End, end];
}
