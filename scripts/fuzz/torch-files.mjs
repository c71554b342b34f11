// Files of torch, put together piece by piece.
import { writeEntries } from './zip.mjs';

export const bytesOf = (...parts) =>
  Buffer.concat(
    parts.flat(3).map((part) => {
      if (typeof part === 'number') return Buffer.from([part]);
      return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
    }),
  );
export const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
export const long = (value) => {
  const bytes = Buffer.alloc(9);
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)));
  bytes[8] = value < 0 ? 255 : 0;
  return bytesOf(0x8a, 9, bytes);
};
export const text = (value) => bytesOf('X', u32(Buffer.byteLength(value)), Buffer.from(value));
export const tuple = (...items) => bytesOf('(', items, 't');
const numbers = (values) => tuple(...values.map(long));
export const pickle = (...parts) => bytesOf(0x80, 2, parts, '.');

export const DATA = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
const HOOKS = 'ccollections\nOrderedDict\n)R';

export function storage({ type = 'FloatStorage', key = '0', count = 4 } = {}) {
  return bytesOf(tuple(text('storage'), `ctorch\n${type}\n`, text(key), text('cpu'), long(count)), 'Q');
}

export function tensor({ of = storage(), offset = 0, size = [2, 2], stride = [2, 1] } = {}) {
  const args = tuple(of, long(offset), numbers(size), numbers(stride), 0x89, HOOKS);
  return bytesOf('ctorch._utils\n_rebuild_tensor_v2\n', args, 'R');
}

export const zipped = (value, more = [], data = {}) =>
  writeEntries([{ name: 'x/data.pkl', content: pickle(value) }, { name: 'x/data/0', content: DATA, ...data }, ...more]);

/** The first pickle of a legacy file. */
export const MAGIC = pickle(0x8a, 10, Buffer.from('6cfc9c46f9206aa85019', 'hex'));

export function legacy(value, { keys = ['0'], count = 4, data = DATA, system = 0x88 } = {}) {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(BigInt.asUintN(64, BigInt(count)));
  const parts = [MAGIC, pickle(long(1001)), pickle('}', text('little_endian'), system, 's'), pickle(value)];
  return bytesOf(parts, pickle('](', keys.map(text), 'e'), number, data);
}

export const inEither = (value, { chance }) => (chance(0.5) ? zipped(value) : legacy(value));
