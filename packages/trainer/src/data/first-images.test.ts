import { inMemoryDataset } from '@learngene/datasets';
import { expect, test } from 'vitest';
import { firstImages } from './first-images';

test('takes the first of every class in their order, and white where a class has fewer', async () => {
  const dataset = inMemoryDataset({
    name: 'four',
    images: Uint8Array.of(1, 2, 3, 4),
    labels: Int32Array.of(1, 0, 1, 1),
    height: 1,
    width: 1,
    channels: 1,
    classes: ['a', 'b'],
  });
  expect(await firstImages(dataset, 2)).toEqual({
    data: Uint8Array.of(2, 255, 1, 3),
    count: 4,
    height: 1,
    width: 1,
    channels: 1,
  });
});
