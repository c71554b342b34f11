// Zip archives of stored entries: reading whole ones, and writing ones whose headers may lie.
import { crc32 } from 'node:zlib';

/** The entries of an archive that is as it should be: names and contents. */
export function readEntries(bytes) {
  const zip = Buffer.from(bytes);
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const entries = [];
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    const [nameLength, extraLength, noteLength] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    entries.push({ name, content: zip.subarray(start, start + zip.readUInt32LE(at + 20)) });
    at += 46 + nameLength + extraLength + noteLength;
  }
  return entries;
}

/** The fields that both headers have. `extra` is the zip64 field or another one. */
function fields({ name, content, method = 0, flags = 0, crc, size, packed, extra = Buffer.alloc(0) }) {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(20, 0);
  header.writeUInt16LE(flags, 2);
  header.writeUInt16LE(method, 4);
  header.writeUInt32LE((crc ?? crc32(content)) >>> 0, 10);
  header.writeUInt32LE(packed ?? content.length, 14);
  header.writeUInt32LE(size ?? content.length, 18);
  header.writeUInt16LE(Buffer.byteLength(name), 22);
  header.writeUInt16LE(extra.length, 24);
  return header;
}

/**
 * An archive of entries; `lies` replaces fields of its end record. An entry may lie about its method, flags, checksum,
 * sizes and offset, have an extra field, and a local header that differs.
 */
export function writeEntries(entries, lies = {}) {
  const pieces = [];
  const directory = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      fields({ ...entry, extra: undefined, ...entry.local }),
      name,
    ]);
    pieces.push(local, entry.content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((entry.offset ?? offset) >>> 0, 10);
    const made = Buffer.from('PK\x01\x02\x14\x00', 'latin1');
    directory.push(Buffer.concat([made, fields(entry), rest, name, entry.extra ?? Buffer.alloc(0)]));
    offset += local.length + entry.content.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(lies.count ?? entries.length, 8);
  end.writeUInt16LE(lies.count ?? entries.length, 10);
  end.writeUInt32LE((lies.directorySize ?? list.length) >>> 0, 12);
  end.writeUInt32LE((lies.directoryOffset ?? offset) >>> 0, 16);
  return Buffer.concat([
    ...pieces,
    list,
    lies.zip64 ? zip64End(lies.zip64, offset, list.length, entries.length) : Buffer.alloc(0),
    end,
  ]);
}

/** The zip64 end record and its locator, with lies. */
function zip64End({ count, size, offset, at }, directory, length, entries) {
  const record = Buffer.alloc(56);
  record.write('PK\x06\x06', 'latin1');
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count ?? entries), 24);
  record.writeBigUInt64LE(BigInt(count ?? entries), 32);
  record.writeBigUInt64LE(BigInt(size ?? length), 40);
  record.writeBigUInt64LE(BigInt(offset ?? directory), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(at ?? directory + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator]);
}
