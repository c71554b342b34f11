import type { TensorData } from '@learngene/tensor-io';
import { describe, expect, test } from 'vitest';
import { tinyDataset } from '../test/tiny-dataset';
import { packDataset, packedDataset } from './packed';

const images: TensorData = { dtype: 'U8', shape: [2, 1, 2, 3], data: Uint8Array.from({ length: 12 }, (_, i) => i) };
const tensors = (entries: Record<string, TensorData>) => new Map(Object.entries(entries));
const labels = (...values: number[]): TensorData => ({
  dtype: 'I32',
  shape: [values.length],
  data: Int32Array.from(values),
});

describe('packedDataset', () => {
  test('reads arr_0 and labels, whatever integers they are', async () => {
    const wide: TensorData = { dtype: 'I64', shape: [2], data: BigInt64Array.of(2n, 0n) };
    for (const answers of [labels(2, 0), wide]) {
      const data = packedDataset(tensors({ arr_0: images, labels: answers }));
      expect([data.size, data.height, data.width, data.channels]).toEqual([2, 1, 2, 3]);
      expect([data.classes, [...data.labels]]).toEqual([
        ['0', '1', '2'],
        [2, 0],
      ]);
      expect([...(await data.read([1]))]).toEqual([6, 7, 8, 9, 10, 11]);
    }
  });
  test('images without labels are of one class; three dimensions are grey', () => {
    expect(packedDataset(tensors({ arr_0: images })).classes).toEqual(['0']);
    const grey = packedDataset(tensors({ x: { ...images, shape: [3, 2, 2] } as TensorData }), { images: 'x' });
    expect([grey.size, grey.channels]).toEqual([3, 1]);
  });
  test('reads what packDataset makes', async () => {
    const data = tinyDataset([1, 0, 1], ['a', 'b']);
    const again = packedDataset(await packDataset(data), { name: 'tiny', classes: data.classes });
    expect(await again.read([0, 1, 2])).toEqual(await data.read([0, 1, 2]));
    expect([again.labels, again.classes]).toEqual([data.labels, data.classes]);
  });
  test.each<[string, Record<string, TensorData>, Parameters<typeof packedDataset>[1], RegExp]>([
    ['nothing', {}, {}, /^packed: expected images in "arr_0" or "images", got nothing/],
    ['no images', { a: images }, {}, /^packed: expected images in "arr_0" or "images", got "a"/],
    ['a name that is not there', { arr_0: images }, { labels: 'y' }, /^packed: expected a tensor "y", got "arr_0"/],
    ['flat images', { images: labels(1) }, {}, /^packed: images: expected U8 \[N, H, W, C\], got I32 \[1\]/],
    ['too few labels', { images: images, labels: labels(1) }, {}, /^packed: labels: expected \[2\], got \[1\]/],
    [
      'negative labels',
      { images: images, labels: labels(0, -1) },
      {},
      /^packed: labels: expected 0 to \d+, got -1 at 1/,
    ],
    ['huge labels', { images: images, labels: labels(0, 2 ** 30) }, {}, /^packed: labels: .*got 1073741824 at 1/],
    [
      'too few classes',
      { images: images, labels: labels(0, 1) },
      { classes: ['a'] },
      /^packed: labels: .*below 1, got 1/,
    ],
    [
      'floats as labels',
      { images: images, labels: { dtype: 'F32', shape: [2], data: new Float32Array(2) } },
      {},
      /^packed: labels: expected integers, got F32/,
    ],
  ])('refuses %s', (_, entries, options, message) => {
    expect(() => packedDataset(tensors(entries), options)).toThrow(message);
  });
});
