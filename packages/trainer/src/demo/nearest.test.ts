import { imageSource } from '@learngene/metrics';
import { expect, test } from 'vitest';
import { featuresOf, nearestOf, shareNearer } from './nearest';

const points = (...rows: number[][]) => rows.map((row) => Float32Array.from(row));

test('the nearest vector, and how far it is; of equals the first', () => {
  const others = points([0, 0], [3, 4], [10, 0], [10, 0]);
  const { index, distance } = nearestOf(points([0, 1], [3, 3], [9, 0]), others);
  expect([...index]).toEqual([0, 1, 2]);
  expect([...distance]).toEqual([1, 1, 1]);
  expect(() => nearestOf(points([1]), [])).toThrow('others: expected at least one vector, got none');
});

test.each([
  [[1, 2, 3, 4], 0.5],
  [[0, 0, 0], 1],
  [[9, 9, 2.4, 2.6], 0.25],
])('the share of %j nearer than the median of others', (distance, share) => {
  const own = { distance, classes: distance.map(() => 7) };
  const others = (...values: number[]) => ({ distance: values, classes: values.map(() => 7) });
  expect(shareNearer(own, others(4, 1, 3, 2))).toBe(share);
  expect(shareNearer(own, others(4, 1, 2.5, 3, 2))).toBe(share);
});

test('each class has a median of its own, and one without others does not count', () => {
  const others = { distance: [1, 10, 12], classes: [0, 1, 1] };
  expect(shareNearer({ distance: [2, 0.5, 10, 12], classes: [0, 0, 1, 1] }, others)).toBe(0.5);
  expect(shareNearer({ distance: [2, 10, 0], classes: [0, 1, 2] }, others)).toBe(0.5);
  expect(shareNearer({ distance: [0], classes: [2] }, others)).toBeNaN();
});

test('features are read batch by batch, in order', async () => {
  const count = 300;
  const sizes: number[] = [];
  const extractor = {
    name: 'first pixel',
    dims: 1,
    async extract({ data, count: n }: { data: Uint8Array; count: number }) {
      sizes.push(n);
      return { features: Float32Array.from({ length: n }, (_, i) => data[i]) };
    },
  };
  const data = Uint8Array.from({ length: count }, (_, i) => i % 251);
  const rows = await featuresOf(extractor as never, imageSource({ data, count, height: 1, width: 1, channels: 1 }));
  expect(rows.map(([value]) => value)).toEqual([...data]);
  expect(sizes).toEqual([256, 44]);
});
