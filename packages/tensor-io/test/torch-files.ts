// Files of torch, put together piece by piece, to see what the readers make of odd ones.
import { concatBytes } from '../src/concat-bytes';
import { crc32 } from '../src/crc32';
import { type ZipRecord, zipDirectory, zipLocalHeader } from '../src/zip-write';

const utf8 = new TextEncoder();

/** Bytes of letters (Latin-1) and numbers. */
export function raw(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return concatBytes(
    parts.map((part) => {
      if (typeof part === 'number') return Uint8Array.of(part);
      return typeof part === 'string' ? Uint8Array.from(part, (letter) => letter.charCodeAt(0)) : part;
    }),
  );
}

function little(value: number | bigint, bytes: number): Uint8Array {
  const result = new Uint8Array(8);
  new DataView(result.buffer).setBigInt64(0, BigInt(value), true);
  return result.subarray(0, bytes);
}

/** Opcodes that push a value: a text, a number, None, a tuple of opcodes. */
export const op = {
  text: (text: string) => raw('X', little(utf8.encode(text).length, 4), utf8.encode(text)),
  int: (value: number | bigint) =>
    Math.abs(Number(value)) < 2 ** 31
      ? raw('J', little(value, 4))
      : raw(0x8a, 9, little(value, 8), value < 0 ? 255 : 0),
  none: raw('N'),
  global: (module: string, name: string) => raw('c', `${module}\n${name}\n`),
  tuple: (...items: Uint8Array[]) => raw('(', ...items, 't'),
  list: (...items: Uint8Array[]) => raw('](', ...items, 'e'),
  dict: (...pairs: Uint8Array[]) => raw('}(', ...pairs, 'u'),
  call: (callee: Uint8Array, ...args: Uint8Array[]) => raw(callee, op.tuple(...args), 'R'),
  storage: (type: string, key: string, count: number | bigint, ...more: Uint8Array[]) =>
    raw(
      op.tuple(op.text('storage'), op.global('torch', type), op.text(key), op.text('cpu'), op.int(count), ...more),
      'Q',
    ),
  hooks: raw('ccollections\nOrderedDict\n)R'),
  /** A float32 tensor in a storage. */
  tensor: (
    fields: { storage?: Uint8Array; offset?: number; size?: (number | bigint)[]; stride?: (number | bigint)[] } = {},
  ) => {
    const { storage = op.storage('FloatStorage', '0', 4), offset = 0, size = [2, 2], stride = [2, 1] } = fields;
    const numbers = (list: (number | bigint)[]) => op.tuple(...list.map(op.int));
    return op.call(
      op.global('torch._utils', '_rebuild_tensor_v2'),
      ...[storage, op.int(offset), numbers(size), numbers(stride), raw(0x89), op.hooks],
    );
  },
};

/** A pickle of protocol 2. */
export const pickle = (...parts: (string | number | Uint8Array)[]) => raw(0x80, 2, ...parts, '.');

/** An entry of an archive; `changes` are lies of its headers. */
export interface Entry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly changes?: Partial<ZipRecord>;
}

/** A zip archive of stored entries. */
export function archive(entries: readonly Entry[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const records: ZipRecord[] = [];
  let offset = 0;
  for (const { name, content, changes } of entries) {
    const sizes = { compressedSize: content.length, size: content.length };
    const entry: ZipRecord = { name, method: 0, crc: crc32(content), ...sizes, headerOffset: offset, ...changes };
    const header = zipLocalHeader(entry);
    pieces.push(header, content);
    offset += header.length + content.length;
    records.push(entry);
  }
  return concatBytes([...pieces, ...zipDirectory(records, offset)]);
}

/** Four floats, the data of the storage of `op.tensor`. */
export const fourFloats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** A file in the zip format: a pickle, the data of storage 0, and what else is given. */
export function zipFile(data: Uint8Array, more: readonly Entry[] = [], storage: Uint8Array = fourFloats): Uint8Array {
  return archive([{ name: 'x/data.pkl', content: data }, { name: 'x/data/0', content: storage }, ...more]);
}

/** The parts of a file in the legacy format. */
export interface LegacyParts {
  readonly magic?: Uint8Array;
  readonly protocol?: Uint8Array;
  readonly system?: Uint8Array;
  readonly value?: Uint8Array;
  readonly keys?: Uint8Array;
  readonly count?: number | bigint;
  readonly data?: Uint8Array;
}

/** torch's magic number. */
const MAGIC = raw(0x8a, 10, Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19));

/** A file in the legacy format. */
export function legacyFile(parts: LegacyParts = {}): Uint8Array {
  const { magic = pickle(MAGIC), protocol = pickle(op.int(1001)), count = 4, data = fourFloats } = parts;
  const { system = pickle(op.dict(op.text('little_endian'), raw(0x88))), value = pickle(op.tensor()) } = parts;
  const { keys = pickle(op.list(op.text('0'))) } = parts;
  return concatBytes([magic, protocol, system, value, keys, little(count, 8), data]);
}
