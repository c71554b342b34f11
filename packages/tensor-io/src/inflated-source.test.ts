import { deflateSync } from 'fflate';
import { describe, expect, test, vi } from 'vitest';
import { type ByteSource, bytesSource } from './byte-source';
import { crc32 } from './crc32';
import { inflatedSource } from './inflated-source';
import { encodeNpz } from './npz';
import { openNpz } from './npz-file';
import type { TensorData } from './tensor-data';
import type { ZipEntry } from './zip-directory';

/** Bytes that deflate to about a quarter. */
const content = Uint8Array.from({ length: 3_000_000 }, (_, i) => ((i * i) % 7) ^ (i >> 13));

function sourceOf(bytes: Uint8Array, changes: Partial<ZipEntry> = {}): { source: ByteSource; archive: ByteSource } {
  const archive = bytesSource(new Uint8Array([1, 2, 3, ...bytes]), 'x.npz');
  const entry = { name: 'a.npy', method: 8, encrypted: false, crc: crc32(content), headerOffset: 0, limit: 2 ** 40 };
  const sizes = { compressedSize: bytes.length, size: content.length };
  return { archive, source: inflatedSource(archive, { ...entry, ...sizes, ...changes }, 3) };
}

describe('inflatedSource', () => {
  const deflated = deflateSync(content);

  test('gives any bytes, forwards, backwards, across pieces and at once', async () => {
    const { source } = sourceOf(deflated);
    const ranges = [
      [0, 10],
      [10, 1_500_000],
      [1_000_000, 5],
      [2_999_999, 1],
      [3_000_000, 0],
      [0, 3_000_000],
      [70_000, 70_000],
    ];
    const read = await Promise.all(ranges.map(([offset, length]) => source.read(offset, length)));
    for (const [i, [offset, length]] of ranges.entries()) {
      expect(read[i].length).toBe(length);
      expect(crc32(read[i])).toBe(crc32(content.subarray(offset, offset + length)));
    }
    await expect(source.read(2_999_999, 2)).rejects.toThrow('x.npz: a.npy: bytes 2999999 to 3000001 lie beyond');
  });

  test('reads of the archive what it needs, once, while it goes forwards', async () => {
    const { source, archive } = sourceOf(deflateSync(content, { level: 0 }));
    const spy = vi.spyOn(archive, 'read');
    for (let at = 0; at < content.length; at += 100_000) await source.read(at, 100_000);
    expect(spy).toHaveBeenCalledTimes(3);
    await source.read(0, 1);
    expect(spy).toHaveBeenCalledTimes(4);
  });

  test.each<[string, Uint8Array, Partial<ZipEntry>, RegExp]>([
    ['damaged', new Uint8Array(5000).fill(255), {}, /"a\.npy": the deflated data is damaged/],
    ['cut off', deflated.subarray(0, 1000), {}, /damaged|declared 3000000 bytes, got/],
    ['shorter than declared', deflateSync(content.subarray(1)), {}, /declared 3000000 bytes, got 2999999/],
    ['longer than declared', deflated, { size: 100_000 }, /declared 100000 bytes, got more/],
    ['of another checksum', deflated, { crc: 1 }, /wrong checksum/],
    ['empty', new Uint8Array(0), {}, /declared 3000000 bytes, got 0/],
  ])('names data that is %s', async (_, bytes, changes, message) => {
    const { source } = sourceOf(bytes, changes);
    const all = () => source.read(0, source.size);
    await expect(all()).rejects.toThrow(message);
    await expect(all()).rejects.toThrow(message); // also when asked again
  });
});

test('rows of a deflated array in order, in bounded pieces', async () => {
  const images: TensorData = { dtype: 'U8', shape: [300, 100, 100], data: content };
  const file = await openNpz(bytesSource(encodeNpz(new Map([['arr_0', images]]), { compress: true })));
  for (let start = 0; start < 300; start += 64) {
    const count = Math.min(64, 300 - start);
    const rows = await file.readRows('arr_0', start, count);
    expect(rows.shape).toEqual([count, 100, 100]);
    expect(crc32(rows.data as Uint8Array)).toBe(crc32(content.subarray(start * 10_000, (start + count) * 10_000)));
  }
  expect((await file.readRows('arr_0', 0, 1)).data).toEqual(content.slice(0, 10_000));
});
