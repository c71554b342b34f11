import { join } from 'node:path';
import { inspect } from 'node:util';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { fileWithHeader, fixtureBytes, fixtureFolder } from '../test/expected';
import * as io from './index';
import * as node from './node';

const npzPath = join(fixtureFolder, 'stored.npz');
const safetensorsPath = join(fixtureFolder, 'all.safetensors');
const npz = () => fixtureBytes('stored.npz');
const safetensors = () => fixtureBytes('all.safetensors');
const folder = temporaryFolder('tensor-io');
const tensors = new Map<string, io.TensorData>([['a', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]);
const fetched = async () => new Response('all', { status: 200 });

/** Calls with options as plain JavaScript may give them, and what the options are called. */
const CALLS: [name: string, options: string[], call: (options: never) => unknown][] = [
  [
    'httpSource',
    ['maxWholeBytes', 'maxwholebytes'],
    (o) => io.httpSource('http://x/y', { fetch: fetched, ...(o as object) }),
  ],
  ['decodeNpz', ['maxBytes', 'maxbytes'], (o) => io.decodeNpz(npz(), o)],
  ['openNpz', ['maxBytes', 'name'], (o) => io.openNpz(io.bytesSource(npz()), o)],
  ['readNpz', ['maxBytes', 'name'], (o) => node.readNpz(npzPath, o)],
  [
    'writeSafetensors',
    ['maxShardBytes', 'name'],
    (o) => node.writeSafetensors(join(folder, 'a.safetensors'), tensors, o),
  ],
  ['decodeNpy', ['', 'maxBytes'], (o) => io.decodeNpy(new Uint8Array(0), o)],
  ['decodeSafetensors', ['', 'names'], (o) => io.decodeSafetensors(safetensors(), o)],
  ['readSafetensors', ['', 'name'], (o) => node.readSafetensors(safetensorsPath, o)],
  ['encodeSafetensors', ['', 'meta'], (o) => io.encodeSafetensors(tensors, o)],
  ['encodeNpz', ['', 'compressed'], (o) => io.encodeNpz(tensors, o)],
  ['writeNpz', ['', 'level'], (o) => node.writeNpz(join(folder, 'a.npz'), tensors, o)],
  [
    'writeNpzArray',
    ['', 'type'],
    (o) => node.writeNpzArray(join(folder, 'b.npz'), { shape: [0], ...(o as object) }, []),
  ],
  ['writeFolderAtomic', ['', 'force'], (o) => node.writeFolderAtomic(join(folder, 'c'), async () => {}, o)],
];

/** What a call, sync or not, throws. */
const failure = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call();
  } catch (error) {
    return error;
  }
};

test.each(CALLS)(
  '%s refuses an unknown option and a limit that is none, by name',
  async (_, [limit, unknown], call) => {
    const error = await failure(() => call({ [unknown]: 1e6 } as never));
    expect(error).toBeInstanceOf(io.TensorFileError);
    expect(String(error)).toMatch(new RegExp(`options: expected only .*, got "${unknown}"$`));
    if (limit === '') return;
    for (const value of [Number.NaN, '1e9', -1, null]) {
      const refused = await failure(() => call({ [limit]: value } as never));
      expect(refused, `${limit} = ${value}`).toBeInstanceOf(io.TensorFileError);
      expect(String(refused)).toMatch(new RegExp(`${limit}: expected a number .*got`));
    }
  },
);

describe('names', () => {
  test.each([
    ['decodeNpz', (o: object) => io.decodeNpz(npz(), o)],
    ['openNpz', (o: object) => io.openNpz(io.bytesSource(npz()), o)],
    ['readNpz', (o: object) => node.readNpz(npzPath, o)],
    ['readSafetensors', (o: object) => node.readSafetensors(safetensorsPath, o)],
  ])('%s names the one that the file does not hold, and passes over an optional one', async (_, call) => {
    expect(String(await failure(() => call({ names: ['nope'] })))).toMatch(/names: holds no tensor "nope"$/);
    expect(String(await failure(() => call({ names: 'nope' })))).toMatch(
      /names: expected a list of names, got "nope"$/,
    );
    expect(await failure(() => call({ optional: ['nope'] }))).not.toBeInstanceOf(Error);
  });

  test('optional alone reads nothing else', async () => {
    expect([...(await node.readNpz(npzPath, { optional: ['i4', 'nope'] })).keys()]).toEqual(['i4']);
    expect([...(await node.readNpz(npzPath, { names: ['f4'], optional: ['i4'] })).keys()].sort()).toEqual(['f4', 'i4']);
  });
});

describe('a file with a tensor that is not read', () => {
  const file = fileWithHeader('{"w":{"dtype":"F8_E4M3","shape":[2,3],"data_offsets":[0,6]}}', 6);

  test('is shown with its dtype and shape', () => {
    const decoded = io.decodeSafetensors(file);
    for (const value of [decoded, decoded.tensors]) {
      expect(inspect(value, { depth: 4 })).toMatch(/'w' => \{\s*dtype: 'F8_E4M3',\s*shape: \[ 2, 3 \],\s*unreadable:/);
    }
    const arrays = io.decodeNpz(fixtureBytes('unread.npz'));
    expect(inspect(arrays, { depth: 4 })).toContain("dtype: '<c8'");
    expect(inspect(arrays, { depth: 4 })).toContain("dtype: 'F32'");
  });

  test('cannot be cloned, and the error says why', () => {
    expect(() => structuredClone(io.decodeSafetensors(file).tensors)).toThrow(
      /tensor "w": cannot read dtype "F8_E4M3"/,
    );
    const { tensors: whole } = io.decodeSafetensors(safetensors());
    expect(structuredClone(whole)).toEqual(whole);
  });
});

const f32 = (fields: object) => new Map([['a', { dtype: 'F32', shape: [1], data: new Float32Array(1), ...fields }]]);

/** Wrong arguments of plain JavaScript, and what the error must say of them. */
const WRONG: [call: string, run: () => unknown, message: RegExp][] = [
  [
    'openSafetensors(bytes)',
    () => io.openSafetensors(safetensors() as never),
    /source: expected a ByteSource.*Uint8Array/,
  ],
  ['openNpz(bytes)', () => io.openNpz(npz() as never), /source: expected a ByteSource.*got Uint8Array/],
  ['openNpy(undefined)', () => io.openNpy(undefined as never), /source: expected a ByteSource.*got undefined/],
  ['bytesSource(buffer)', () => io.bytesSource(npz().buffer as never), /bytes: expected a Uint8Array, got ArrayBuffer/],
  ['decodeSafetensors(buffer)', () => io.decodeSafetensors(safetensors().buffer as never), /got ArrayBuffer: pass new/],
  ['decodeNpz(DataView)', () => io.decodeNpz(new DataView(npz().buffer as ArrayBuffer) as never), /got DataView/],
  ['decodeNpy(text)', () => io.decodeNpy('x' as never), /bytes: expected a Uint8Array, got "x"/],
  ['encodeSafetensors(object)', () => io.encodeSafetensors({ a: 1 } as never), /tensors: expected a Map.*got Object/],
  ['encodeSafetensors(null)', () => io.encodeSafetensors(null as never), /tensors: expected a Map.*got null/],
  ['encodeNpz(list)', () => io.encodeNpz([1] as never), /tensors: expected a Map.*got Array/],
  ['planShards(object)', () => io.planShards('m.safetensors', {} as never, 5), /tensors: expected a Map.*got Object/],
  [
    'a tensor null',
    () => io.encodeNpz(new Map([['a', null]]) as never),
    /tensor "data": expected dtype, shape and data, got null/,
  ],
  [
    'a tensor without shape',
    () => io.encodeSafetensors(f32({ shape: undefined }) as never),
    /tensor "a": expected a list of sizes/,
  ],
  ['a shape that is a number', () => io.encodeSafetensors(f32({ shape: 1 }) as never), /as shape, got 1/],
  [
    'fromFloat32 to I32',
    () => io.fromFloat32(new Float32Array(1), [1], 'I32' as never),
    /dtype: expected F32, F16, BF16 or F64, got "I32"/,
  ],
  [
    'toFloat32(undefined)',
    () => io.toFloat32(undefined as never),
    /tensor: expected a tensor of a known dtype, got undefined/,
  ],
  ['toFloat32 of F8', () => io.toFloat32({ dtype: 'F8', data: new Uint8Array(1) } as never), /known dtype, got "F8"/],
];

test.each(WRONG)('%s', async (_, run, message) => {
  const error = await failure(run);
  expect(error).toBeInstanceOf(io.TensorFileError);
  expect(String(error)).toMatch(message);
});

test.each([
  ['<!DOCTYPE html><html>', /x: does not look like safetensors \(it begins as HTML or XML.*header of \d+ bytes/],
  ['PK\x03\x04 and so on', /does not look like safetensors \(it begins as a zip archive/],
  ['version https://git-lfs', /it begins as a pointer of Git LFS/],
  ['\x10\0\0\0\0\0\0\0[]              ', /does not look like safetensors: header does not begin with {/],
  [
    '\xff\0\0\0\0\0\0\0{}',
    /header of 255 bytes does not fit the file of 10 bytes: it is cut off, or does not look like/,
  ],
])('a file that begins with %j is not taken for safetensors', (text, message) => {
  expect(() => io.decodeSafetensors(new Uint8Array(Buffer.from(text, 'latin1')), { name: 'x' })).toThrow(message);
});

test('a file that ends too early is said to be cut off', () => {
  const cut = safetensors().subarray(0, -1);
  expect(() => io.decodeSafetensors(cut)).toThrow(/bytes, got \d+: it is cut off, perhaps by a transfer/);
});
