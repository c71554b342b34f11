import { expect, test, vi } from 'vitest';
import { allBits, bitsOf, expected, fixtureBytes, namedTensors } from '../test/expected';
import { bytesSource } from './byte-source';
import { encodeNpz } from './npz';
import { openNpz } from './npz-file';
import { TensorFileError } from './tensor-file-error';

const arrays = namedTensors(expected.arrays);

test.each(['stored.npz', 'deflated.npz'])('reads every array of %s', async (name) => {
  const file = await openNpz(bytesSource(fixtureBytes(name)));
  expect(file.names).toEqual([...arrays.keys()]);
  const tensors = await Promise.all(file.names.map(async (array) => [array, await file.read(array)] as const));
  expect(allBits(new Map(tensors))).toEqual(allBits(arrays));
  expect(await file.info('f4')).toEqual({ dtype: 'F32', shape: [2, 3, 4], rows: true });
  expect((await file.info('f4.fortran')).rows).toBe(false);
  await file.close();
});

test('reads rows of a stored array, in either byte order, and only their bytes', async () => {
  const source = bytesSource(fixtureBytes('stored.npz'));
  const read = vi.spyOn(source, 'read');
  const file = await openNpz(source);
  for (const name of ['i4', 'i4.big']) {
    read.mockClear();
    const row = await file.readRows(name, 1, 1);
    expect(row.shape).toEqual([1, 3, 4]);
    expect(row.data).toEqual((arrays.get('i4')!.data as Int32Array).slice(12));
    expect(read.mock.calls.at(-1)?.[1]).toBe(48);
  }
  expect((await file.readRows('vector', 7, 0)).data.length).toBe(0);
  expect((await file.readRows('empty', 1, 2)).shape).toEqual([2, 0, 2]);
});

test('names what it cannot read', async () => {
  const stored = await openNpz(bytesSource(fixtureBytes('stored.npz'), 'x.npz'));
  await expect(stored.read('none')).rejects.toThrow('x.npz: holds no array "none"');
  await expect(stored.readRows('vector', 5, 3)).rejects.toThrow('x.npz: vector.npy: has 7 rows, asked for 3 from 5');
  await expect(stored.readRows('vector', -1, 1)).rejects.toThrow(TensorFileError);
  await expect(stored.readRows('scalar', 0, 1)).rejects.toThrow(/no rows to read/);
  await expect(stored.readRows('f4.fortran', 0, 1)).rejects.toThrow(/no rows to read/);
});

test('closes the source where it cannot open it, and keeps to maxBytes', async () => {
  const source = bytesSource(new Uint8Array(100));
  const close = vi.spyOn(source, 'close');
  await expect(openNpz(source)).rejects.toThrow(TensorFileError);
  expect(close).toHaveBeenCalledOnce();
  const bytes = encodeNpz(new Map([['a', arrays.get('f4')!]]));
  await expect(openNpz(bytesSource(bytes), { maxBytes: 10 })).rejects.toThrow(/above maxBytes 10/);
  expect(bitsOf(await (await openNpz(bytesSource(bytes))).read('a'))).toEqual(bitsOf(arrays.get('f4')!));
});
