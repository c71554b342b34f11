import { describe, expect, test } from 'vitest';
import { bitsOf, expected, fileWithHeader, fixtureBytes, fixtureFolder, fromHex } from '../test/expected';
import { bytesSource } from './byte-source';
import { arrayOf } from './dtype';
import { readNpz, readSafetensors } from './node';
import { openNpy } from './npy-file';
import { decodeNpz, encodeNpz } from './npz';
import { openNpz } from './npz-file';
import { decodeSafetensors } from './safetensors-decode';
import { openSafetensors } from './safetensors-file';
import type { TensorData } from './tensor-data';
import { TensorFileError } from './tensor-file-error';
import { zipDirectory, zipLocalHeader } from './zip-write';

/** Every dtype of the safetensors format that is not read, with a shape that makes 24 bytes. */
const FOREIGN: [string, number[]][] = [
  ['F4', [6, 8]],
  ['F6_E2M3', [32]],
  ['F6_E3M2', [4, 8]],
  ['F8_E5M2', [24]],
  ['F8_E4M3', [2, 12]],
  ['F8_E8M0', [24]],
  ['F8_E4M3FNUZ', [24]],
  ['F8_E5M2FNUZ', [24]],
  ['C64', [3]],
  // A dtype of a later version: its size is what the offsets say.
  ['F128', [7]],
  ['__proto__', [1]],
];

const fileOf = (dtype: string, shape: number[]) =>
  fileWithHeader(
    `{"other":{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[0,24]},"asked":{"dtype":"F32","shape":[1],"data_offsets":[24,28]}}`,
    28,
  );

const ASKED: TensorData = { dtype: 'F32', shape: [1], data: new Float32Array(1) };

describe('a safetensors file with a dtype that is not read', () => {
  test.each(FOREIGN)('%s: only who asks for it gets an error', async (dtype, shape) => {
    const bytes = fileOf(dtype, shape);
    const message = `x: tensor "other": cannot read dtype "${dtype}", only F64, F32,`;
    const file = await openSafetensors(bytesSource(bytes, 'x'));
    expect(file.names).toEqual(['other', 'asked']);
    expect(file.info('other')).toMatchObject({ dtype, shape, byteLength: 24 });
    expect(await file.read('asked')).toEqual(ASKED);
    await expect(file.read('other')).rejects.toThrow(message);

    const { tensors } = decodeSafetensors(bytes, { name: 'x' });
    expect(tensors.size).toBe(2);
    expect(tensors.has('other')).toBe(true);
    expect([...tensors.keys()]).toEqual(['other', 'asked']);
    expect(tensors.get('asked')).toEqual(ASKED);
    expect(() => tensors.get('other')).toThrow(message);
  });

  test('walking over the values meets the error, and a tensor put in its place mends it', () => {
    const { tensors } = decodeSafetensors(fileOf('F8_E4M3', [24]), { name: 'x' });
    const walks = [
      () => [...tensors],
      () => [...tensors.values()],
      () => [...tensors.entries()],
      () => tensors.forEach(() => {}),
      () => new Map(tensors),
    ];
    for (const walk of walks) expect(walk).toThrow('tensor "other": cannot read dtype "F8_E4M3"');
    tensors.set('other', ASKED);
    expect([...tensors]).toEqual([
      ['other', ASKED],
      ['asked', ASKED],
    ]);
    expect(tensors.delete('other') && tensors.size).toBe(1);
  });

  test('as torch writes it', async () => {
    const path = `${fixtureFolder}/unread.safetensors`;
    const { tensors } = await readSafetensors(path);
    expect([...tensors.get('read')!.data]).toEqual([0, 1, 2]);
    const others = [...tensors.keys()].filter((name) => name !== 'read');
    expect(others.sort()).toEqual(['C64', 'F4', 'F8_E4M3', 'F8_E4M3FNUZ', 'F8_E5M2', 'F8_E5M2FNUZ', 'F8_E8M0']);
    for (const name of others) expect(() => tensors.get(name)).toThrow(`tensor "${name}": cannot read dtype "${name}"`);
    expect((await readSafetensors(path, { names: ['read'], optional: ['none'] })).tensors.size).toBe(1);
  });

  test('F32 and the other dtypes that are read stay read', () => {
    for (const dtype of Object.keys(arrayOf)) {
      const { tensors } = decodeSafetensors(
        fileWithHeader(`{"a":{"dtype":"${dtype}","shape":[0],"data_offsets":[0,0]}}`),
      );
      expect(tensors.get('a')?.dtype).toBe(dtype);
    }
  });
});

/** What numpy calls the arrays of unread.npz. */
const KINDS: [string, RegExp][] = [
  ['object', /object\.npy: holds Python objects \(pickle, descr "\|O"\), which are not read/],
  ['complex', /complex\.npy: unsupported descr "<c8"/],
  ['text', /text\.npy: unsupported descr "<U2"/],
  ['bytes', /bytes\.npy: unsupported descr "\|S2"/],
  ['date', /date\.npy: unsupported descr "<M8\[D\]"/],
  ['records', /records\.npy: /],
  ['long', /long\.npy: unsupported descr "<f16"/],
];

describe.each(['unread.npz', 'unread-deflated.npz'])('%s', (name) => {
  test.each(KINDS)('the array %s is an error only for who asks for it', async (array, message) => {
    const tensors = decodeNpz(fixtureBytes(name), { name: 'x.npz' });
    expect(tensors.has(array)).toBe(true);
    expect(() => tensors.get(array)).toThrow(message);
    const file = await openNpz(bytesSource(fixtureBytes(name), 'x.npz'));
    await expect(file.read(array)).rejects.toThrow(message);
    await expect(file.readRows(array, 0, 1)).rejects.toThrow(message);
    await expect(file.read(array)).rejects.toThrow(TensorFileError);
  });

  test('the array beside them is read', async () => {
    const read: TensorData = { dtype: 'F32', shape: [3], data: Float32Array.of(0, 1, 2) };
    expect(decodeNpz(fixtureBytes(name)).get('read')).toEqual(read);
    const all = await readNpz(`${fixtureFolder}/${name}`);
    expect(bitsOf(all.get('read')!)).toEqual(bitsOf(read));
    expect(() => [...all]).toThrow(/object\.npy: holds Python objects/);
    expect(await readNpz(`${fixtureFolder}/${name}`, { names: ['read'], optional: ['none'] })).toEqual(
      new Map([['read', read]]),
    );
    expect(decodeNpz(fixtureBytes(name), { names: ['read'] })).toEqual(new Map([['read', read]]));
    const file = await openNpz(bytesSource(fixtureBytes(name)));
    expect(await file.info('complex')).toEqual({ dtype: '<c8', shape: [1], rows: false });
  });
});

describe('an npz file with entries that are no arrays', () => {
  const npz = encodeNpz(new Map([['a', ASKED]]));
  const body = npz.subarray(0, npz.length - 22 - 46 - 'a.npy'.length);
  const first = { name: 'a.npy', method: 0, size: 132, compressedSize: 132, headerOffset: 0 } as const;
  const crc = new DataView(npz.buffer).getUint32(14, true);

  test.each([
    ['another ending', 'notes.txt'],
    ['a folder', 'folder/'],
    ['the same name without .npy', 'a'],
  ])('%s is passed over', async (_, name) => {
    const other = { name, method: 0, crc: 0, size: 0, compressedSize: 0, headerOffset: body.length } as const;
    const header = zipLocalHeader(other);
    const directory = zipDirectory([{ ...first, crc }, other], body.length + header.length);
    const archive = new Uint8Array(Buffer.concat([body, header, ...directory]));
    expect(decodeNpz(archive)).toEqual(new Map([['a', ASKED]]));
    const file = await openNpz(bytesSource(archive));
    expect(file.names).toEqual(['a']);
    await expect(file.read(name === 'a' ? 'b' : name)).rejects.toThrow(/holds no array/);
  });
});

test('maxBytes counts the arrays asked for', () => {
  const zeros: TensorData = { dtype: 'U8', shape: [1000], data: new Uint8Array(1000) };
  const bytes = encodeNpz(
    new Map<string, TensorData>([
      ['a', zeros],
      ['b', ASKED],
    ]),
  );
  expect(decodeNpz(bytes, { maxBytes: 500, names: ['b'] })).toEqual(new Map([['b', ASKED]]));
  expect(() => decodeNpz(bytes, { maxBytes: 500 })).toThrow(/above maxBytes 500/);
});

test('openNpy reads rows, and judges the element type when asked', async () => {
  const whole = await openNpy(bytesSource(fromHex(expected.npy.f4)));
  expect(whole).toMatchObject({ dtype: 'F32', shape: [2, 3, 4], rows: true });
  const { data } = await whole.read();
  expect((await whole.readRows(1, 1)).data).toEqual(data.slice(12));
  await expect(whole.readRows(1, 2)).rejects.toThrow('has 2 rows, asked for 2 from 1');
  const object = await openNpy(bytesSource(fromHex(expected.npyObject), 'o.npy'));
  expect(object).toMatchObject({ dtype: '|O', rows: false });
  await expect(object.read()).rejects.toThrow('o.npy: holds Python objects');
  await expect(openNpy(bytesSource(new Uint8Array(20), 'o.npy'))).rejects.toThrow('o.npy: is not an npy file');
});

test('the fields of records are named', async () => {
  const file = await openNpy(bytesSource(fromHex(expected.npyStructured), 'r.npy'));
  expect(file.dtype).toBe("[('a', '<f4'), ('b', '<i8', (2,))]");
});
