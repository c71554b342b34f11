import { describe, expect, test } from 'vitest';
import {
  archive,
  type Entry,
  fourFloats,
  type LegacyParts,
  legacyFile,
  op,
  pickle,
  raw,
  zipFile,
} from '../../test/torch-files';
import { bytesSource } from '../byte-source';
import { TensorFileError } from '../tensor-file-error';
import { openTorch } from './torch-file';

/** Opens a file and reads all of it. */
async function readAll(bytes: Uint8Array): Promise<string[]> {
  const file = await openTorch(bytesSource(bytes, 'x.pt'));
  for (const name of file.names) await file.read(name);
  return [...file.names];
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await readAll(bytes).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TensorFileError);
  return (error as Error).message;
}

const good = pickle(op.tensor());
const floats = (count: number | bigint, key = '0') => op.storage('FloatStorage', key, count);

test('the file that is made worse below is a good one in both formats', async () => {
  expect(await readAll(zipFile(good))).toEqual(['tensor']);
  expect(await readAll(legacyFile())).toEqual(['tensor']);
});

/** What a pickle may say that is not so; `Infinity` of a shape and the like cannot be written. */
const PICKLES: readonly [string, Uint8Array, RegExp][] = [
  ['os.system', op.call(op.global('os', 'system'), op.text('touch /tmp/x')), /"os.system", which is refused/],
  ['a module', op.global('torch.nn', 'Linear'), /"torch.nn.Linear"/],
  ['a size of 2^63', op.tensor({ size: [2n ** 62n, 2n ** 62n] }), /size: expected natural numbers below 2\^53/],
  ['a size of -1', op.tensor({ size: [-1, 4] }), /size: expected natural numbers/],
  [
    'a product of sizes beyond 2^63',
    op.tensor({ size: [2 ** 26, 2 ** 26, 2 ** 26], stride: [2 ** 52, 2 ** 26, 1] }),
    /lies beyond its storage/,
  ],
  ['many elements out of one', op.tensor({ size: [2 ** 30, 2 ** 20], stride: [0, 0] }), /4 bytes are expanded to \d+/],
  [
    'elements without end out of one',
    op.tensor({ size: [2n ** 52n, 2n ** 52n], stride: [0, 0] }),
    /shape .* is too large/,
  ],
  ['an axis too many', op.tensor({ size: new Array(65).fill(1), stride: new Array(65).fill(1) }), /at most 64, got 65/],
  ['a stride of 2^62', op.tensor({ stride: [2n ** 62n, 1] }), /stride: expected natural numbers/],
  ['a negative stride', op.tensor({ stride: [-2, 1] }), /stride: expected natural numbers/],
  ['a stride too few', op.tensor({ stride: [1] }), /as many strides as sizes \(2\), got 1/],
  ['an offset beyond the storage', op.tensor({ offset: 1 }), /lies beyond its storage of 4 elements/],
  ['an offset of 2^62', op.tensor({ offset: 2 ** 52 }), /lies beyond its storage/],
  ['a negative offset', op.tensor({ storage: floats(4), offset: -1 }), /storage offset: expected natural numbers/],
  ['a storage of 2^63', op.tensor({ storage: floats(2n ** 62n) }), /number of elements: expected a natural number/],
  ['a storage of 2^53 bytes', op.tensor({ storage: floats(2n ** 52n) }), /bytes: expected a natural number/],
  [
    'a storage of more than its data',
    op.tensor({ storage: floats(5) }),
    /expected 20 bytes of data, got 16|file of \d+ bytes, got/,
  ],
  [
    'a storage of less than its data',
    op.tensor({ storage: floats(3), size: [3], stride: [1] }),
    /expected 12 bytes of data, got 16|file of \d+ bytes, got/,
  ],
  ['a storage without data', op.tensor({ storage: floats(4, '1') }), /storage "1"|"0", which no tensor has/],
  [
    'a storage of a path',
    op.tensor({ storage: floats(4, '../../0') }),
    /storage "..\/..\/0": its data are missing|"0", which no tensor has/,
  ],
  [
    'a storage of two sizes',
    op.list(op.tensor(), op.tensor({ storage: floats(2) })),
    /said to be 4 of F32, and then to be 2/,
  ],
  [
    'a storage of two dtypes',
    op.list(op.tensor(), op.tensor({ storage: op.storage('IntStorage', '0', 4) })),
    /then to be 4 of torch.IntStorage/,
  ],
  ['a storage of an unknown class', op.tensor({ storage: op.storage('QInt8Storage', '0', 4) }), /"torch.QInt8Storage"/],
  [
    'a storage whose class is a text',
    raw(op.tuple(op.text('storage'), op.text('torch.FloatStorage'), op.text('0'), op.text('cpu'), op.int(4)), 'Q'),
    /expected its class/,
  ],
  [
    'an untyped storage without a dtype',
    op.tensor({
      storage: raw(
        op.tuple(
          op.text('storage'),
          op.global('torch.storage', 'UntypedStorage'),
          op.text('0'),
          op.text('cpu'),
          op.int(16),
        ),
        'Q',
      ),
    }),
    /untyped storage, got none|said|bytes/,
  ],
  ['a tensor without a storage', op.tensor({ storage: op.none }), /expected a storage, got None/],
  [
    'hooks',
    raw(
      op.call(op.global('torch._utils', '_rebuild_parameter'), op.tensor(), raw(0x88), op.dict(op.int(1), op.int(2))),
    ),
    /backward hooks: expected none/,
  ],
  [
    'a parameter of a number',
    op.call(op.global('torch._utils', '_rebuild_parameter'), op.int(1), raw(0x88), op.hooks),
    /expected a tensor, got 1/,
  ],
  [
    'too few arguments',
    op.call(op.global('torch._utils', '_rebuild_tensor_v2'), floats(4)),
    /expected 6 to 7 arguments, got 1/,
  ],
  ['a list that contains itself', raw(op.list(), 'q\0h\0a'), /contains itself|no tensor has/],
  [
    'dicts that contain each other',
    raw(op.list(op.tensor()), '}q\0U\x01a}q\x01U\x01bh\0ssa'),
    /"1.a.b" contains itself/,
  ],
  ['a tuple that contains itself', raw(']q\0h\0', 0x85, 'a'), /contains itself|no tensor has/],
  ['nesting without end', raw(']'.repeat(100), op.tensor(), 'a'.repeat(100)), /nested deeper than 64/],
  ['lists of lists of lists, each twice', laughs(30), /its names take more than 16777216 characters/],
  ['a list of one list, 2,000 times', wideLists(), /holds more than 1048576 values/],
  ['a long key again and again', longKeys(), /names take more than 16777216 characters/],
  [
    'two tensors of one name',
    op.dict(op.int(0), op.tensor(), op.text('0'), op.tensor()),
    /two tensors have the name "0"/,
  ],
  [
    'dotted and nested keys of one name',
    op.dict(op.text('a.b'), op.tensor(), op.text('a'), op.dict(op.text('b'), op.tensor())),
    /two tensors have the name "a.b"/,
  ],
];

/** Billion laughs: each list holds the one before twice; the innermost holds a tensor. */
function laughs(levels: number): Uint8Array {
  const parts = [op.list(op.tensor()), raw('q\0')];
  for (let level = 1; level <= levels; level++) parts.push(raw('0](h', level - 1, 'h', level - 1, 'eq', level));
  return raw(...parts);
}

/** A list of 2,000 values, 2,000 times in another. */
function wideLists(): Uint8Array {
  return raw(op.list(op.tensor(), raw('K\x01'.repeat(1999))), 'q\0', '0](', 'h\0'.repeat(2000), 'e');
}

/** One tensor under one key of 100,000 letters in each of 1,000 dicts. */
function longKeys(): Uint8Array {
  const key = raw(op.text('k'.repeat(100_000)), 'q\0', '0', op.tensor(), 'q\x01', '0');
  return raw(key, '](', '}h\0h\x01s'.repeat(1000), 'e');
}

describe('a pickle that lies', () => {
  test.each(PICKLES)('%s, in the zip format', async (_, value, message) => {
    expect(await refusal(zipFile(pickle(value)))).toMatch(message);
  });

  test.each(PICKLES)('%s, in the legacy format', async (_, value, message) => {
    expect(await refusal(legacyFile({ value: pickle(value) }))).toMatch(message);
  });
});

describe('an archive that lies', () => {
  const entry = (name: string, changes?: Entry['changes']): Entry => ({ name, content: raw('abc'), changes });
  const data = (changes: Entry['changes']): Uint8Array =>
    archive([
      { name: 'x/data.pkl', content: good },
      { name: 'x/data/0', content: fourFloats, changes },
    ]);

  test.each<[string, Uint8Array, RegExp]>([
    [
      'a path that leaves the folder',
      zipFile(good, [entry('x/../../etc/passwd')]),
      /"x\/..\/..\/etc\/passwd": a name that leaves/,
    ],
    ['an absolute path', zipFile(good, [entry('/etc/passwd')]), /a name that leaves its folder/],
    ['a path of Windows', zipFile(good, [entry('x\\..\\y')]), /a name that leaves its folder/],
    ['a drive', zipFile(good, [entry('C:/x')]), /a name that leaves its folder/],
    ['a second folder', zipFile(good, [entry('y/data.pkl')]), /"y\/data.pkl": expected it in the folder "x"/],
    ['a second pickle', zipFile(good, [{ name: 'x/data.pkl', content: good }]), /stands twice/],
    ['data without a pickle', archive([{ name: 'x/data/0', content: fourFloats }]), /without "x\/data.pkl"/],
    ['deflated data', data({ method: 8 }), /is compressed \(method 8\), which torch never writes/],
    ['data of an unknown method', data({ method: 93 as 8 }), /method 93/],
    ['a wrong checksum', data({ crc: 1 }), /"x\/data\/0": wrong checksum/],
    [
      'a pickle with a wrong checksum',
      archive([{ name: 'x/data.pkl', content: good, changes: { crc: 5 } }]),
      /wrong checksum/,
    ],
    ['more data than there are', data({ size: 1e9, compressedSize: 1e9 }), /runs into what follows it/],
    [
      '2^53 bytes of data',
      data({ size: 2 ** 53 - 1, compressedSize: 2 ** 53 - 1 }),
      /runs into what follows it|impossible/,
    ],
    ['a size that the bytes cannot hold', data({ size: 4000 }), /cannot hold/],
    ['data that begin in other data', data({ headerOffset: 10 }), /runs into what follows it|no local header/],
    ['data at 2^53', data({ headerOffset: 2 ** 53 - 100 }), /runs into what follows it|impossible/],
    ['a pickle that goes on', zipFile(raw(good, 'more')), /4 bytes behind its STOP/],
    ['a pickle that is cut off', zipFile(good.subarray(0, -5)), /ends before its STOP/],
    ['an empty pickle', zipFile(new Uint8Array(0)), /ends before its STOP/],
    [
      'a long byteorder',
      zipFile(good, [{ name: 'x/byteorder', content: new Uint8Array(100) }]),
      /100 bytes are more than 64/,
    ],
    ['no end', zipFile(good).subarray(0, -10), /no end record/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  test('a local header that moves the data into the next entry', async () => {
    const bytes = zipFile(good, [entry('x/version')]);
    const second = 30 + 'x/data.pkl'.length + 20 + good.length; // 20: the zip64 field of the first entry
    const view = new DataView(bytes.buffer);
    expect(view.getUint32(second, true)).toBe(0x04034b50);
    view.setUint16(second + 28, 40, true); // the length of its extra field
    expect(await refusal(bytes)).toMatch(/its local header does not fit the directory/);
  });
});

describe('a legacy file that lies', () => {
  test.each<[string, LegacyParts, RegExp]>([
    ['another magic number', { magic: pickle(op.int(1)) }, /expected its magic number, got 1/],
    [
      'a magic number that is called',
      { magic: pickle(op.call(op.global('os', 'system'), op.text('x'))) },
      /"os.system"/,
    ],
    ['another version', { protocol: pickle(op.int(1002)) }, /expected version 1001 of the legacy format, got 1002/],
    ['a big-endian machine', { system: pickle(op.dict(op.text('little_endian'), raw(0x89))) }, /little_endian false/],
    ['no system', { system: pickle('N') }, /little_endian None/],
    ['keys that are no list', { keys: pickle('N') }, /a list of the keys of storages, got None/],
    ['a key twice', { keys: pickle(op.list(op.text('0'), op.text('0'))) }, /storage "0", which stands twice/],
    ['a key of no tensor', { keys: pickle(op.list(op.text('0'), op.text('9'))) }, /storage "9", which no tensor has/],
    ['a key that is a number', { keys: pickle(op.list(op.int(0))) }, /storage 0, which no tensor has/],
    ['a key too few', { keys: pickle(op.list()) }, /storage "0": its data are missing/],
    ['another count', { count: 5 }, /said to have 4 elements, and 5 where its data are/],
    ['a count of 2^63', { count: -(2n ** 63n) }, /and 9223372036854775808 where its data are/],
    ['data that are cut off', { data: fourFloats.subarray(0, 15) }, /got \d+: it is cut off/],
    ['data that go on', { data: raw(fourFloats, 0) }, /describes a file of \d+ bytes, got \d+$/],
    [
      'a pickle without end',
      { value: raw(0x80, 2, ']'), keys: raw(']'), data: raw(']') },
      /no opcode|its STOP|takes a value|left over|keys/,
    ],
  ])('%s', async (_, parts, message) => {
    expect(await refusal(legacyFile(parts))).toMatch(message);
  });

  test('a file that ends anywhere', async () => {
    const bytes = legacyFile();
    for (let length = 1; length < bytes.length; length++) {
      expect(await refusal(bytes.subarray(0, length))).toMatch(/cut off|does not look like/);
    }
  });
});
