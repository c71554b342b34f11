import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { decodeIdx, idxDataset } from './idx';

/** An IDX file of unsigned bytes. */
function idxFile(shape: readonly number[], data: ArrayLike<number>): Uint8Array {
  const head = new Uint8Array(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  shape.forEach((size, i) => {
    new DataView(head.buffer).setUint32(4 + 4 * i, size);
  });
  return Uint8Array.from([...head, ...Array.from(data)]);
}

const count = (n: number) => Array.from({ length: n }, (_, i) => i % 256);

test('plain and gzip files give shape and bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (shape, zip) => {
        const data = count(shape.reduce((product, size) => product * size, 1));
        const file = idxFile(shape, data);
        const decoded = await decodeIdx(zip ? gzipSync(file) : file);
        expect([decoded.shape, [...decoded.data]]).toEqual([shape, data]);
      },
    ),
    { numRuns: 60 },
  );
});

test('a file of many pieces is put together', async () => {
  const data = Array.from({ length: 200 * 1000 }, (_, i) => (i * 7919) % 251);
  const decoded = await decodeIdx(gzipSync(idxFile([200, 1000], data)));
  expect(Buffer.compare(Buffer.from(decoded.data), Buffer.from(data))).toBe(0);
});

describe('hostile files', () => {
  const whole = idxFile([2, 3], count(6));
  const hugeHead = idxFile([2 ** 32 - 1, 2 ** 32 - 1, 28, 28], []);
  const bomb = gzipSync(Buffer.concat([idxFile([1, 2, 2], count(4)), Buffer.alloc(50_000_000)]));
  test.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(), /^f: expected an IDX file .*got no bytes/],
    ['another format', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1), /^f: expected an IDX file .*got 89 50 4e 47/],
    [
      'another type',
      Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0),
      /^f: expected unsigned bytes .* or int32 .*, got type 0d \(float32\)/,
    ],
    ['rank 0', Uint8Array.of(0, 0, 8, 0), /^f: expected rank 1 to 4, got 0/],
    ['rank 200', Uint8Array.of(0, 0, 8, 200, 0, 0), /^f: expected rank 1 to 4, got 200/],
    ['half a header', whole.slice(0, 9), /^f: expected a header of 12 bytes, got 9/],
    ['a huge header', hugeHead, /^f: expected at most 2147483648 bytes, got a header of \[4294967295/],
    ['a huge header in gzip', gzipSync(hugeHead), /^f: expected at most 2147483648 bytes/],
    ['a large claim without data', idxFile([1_000_000, 28, 28], []), /^f: expected 784000016 bytes .*got 16/],
    ['truncated data', whole.slice(0, -1), /^f: expected 18 bytes for \[2, 3\], got 17/],
    ['trailing bytes', Uint8Array.from([...whole, 0]), /^f: expected 18 bytes for \[2, 3\], got 19/],
    ['truncated data in gzip', gzipSync(whole.slice(0, -1)), /^f: expected 18 bytes for \[2, 3\], got 17/],
    ['damaged gzip', gzipSync(whole).fill(7, 12), /^f: expected gzip data, got damaged or truncated ones/],
    ['truncated gzip', gzipSync(whole).subarray(0, -9), /^f: expected gzip data, got damaged or truncated ones/],
    ['more than declared', bomb, /^f: expected 20 bytes as its header says, got more/],
  ])('%s', async (_, bytes, message) => {
    const refusal = decodeIdx(bytes, 'f');
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toBeInstanceOf(DatasetFileError);
  });

  test('a bomb is not unpacked: memory stays flat', async () => {
    const before = process.memoryUsage().arrayBuffers;
    await decodeIdx(bomb, 'f').catch(() => {});
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });
});

describe('idxDataset', () => {
  const images = idxFile([3, 2, 2], count(12));
  const labels = idxFile([3], [1, 0, 1]);

  test('pairs images with labels', async () => {
    const data = await idxDataset({ images: gzipSync(images), labels: gzipSync(labels), name: 'digits' });
    expect([data.name, data.size, data.height, data.width, data.channels]).toEqual(['digits', 3, 2, 2, 1]);
    expect([data.classes, [...data.labels]]).toEqual([
      ['0', '1'],
      [1, 0, 1],
    ]);
    expect([...(await data.read([2]))]).toEqual([8, 9, 10, 11]);
  });

  test('turns images that lie column by column', async () => {
    const data = await idxDataset({
      images: idxFile([1, 2, 3], count(6)),
      labels: idxFile([1], [0]),
      transposed: true,
    });
    expect([data.height, data.width, [...(await data.read([0]))]]).toEqual([3, 2, [0, 3, 1, 4, 2, 5]]);
  });

  test.each<[string, Parameters<typeof idxDataset>[0], RegExp]>([
    [
      'labels as images',
      { images: labels, labels },
      /^idx images: expected images \[N, H, W\] of unsigned bytes, got \[3\]/,
    ],
    [
      'images as labels',
      { images, labels: images },
      /^idx labels: expected labels \[3\] \(or \[3, 8\] of int32\), got \[3, 2, 2\]/,
    ],
    [
      'another count',
      { images, labels: idxFile([2], [0, 1]) },
      /^idx labels: expected labels \[3\] \(or \[3, 8\] of int32\), got \[2\]/,
    ],
    ['too few classes', { images, labels, classes: ['a'] }, /^idx labels: expected labels below 1, got 1/],
    ['no pixels', { images: idxFile([3, 0, 2], []), labels }, /^idx images: expected images .*got \[3, 0, 2\]/],
  ])('refuses %s', async (_, options, message) => {
    await expect(idxDataset(options)).rejects.toThrow(message);
  });
});
