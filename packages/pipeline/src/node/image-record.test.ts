import { inMemoryDataset } from '@learngene/datasets';
import { expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { checkSameImages, type ImageRecord, imageRecord } from './image-record';

const images = (labels: number[], { classes = ['crow', 'jay'], side = 2 } = {}) =>
  inMemoryDataset({
    name: 'birds',
    images: new Uint8Array(labels.length * side * side),
    labels,
    classes,
    height: side,
    width: side,
    channels: 1,
  });
const record = imageRecord(images([0, 1, 1, 0]));

test('the same images are known again, from JSON too', () => {
  expect(() => checkSameImages(images([0, 1, 1, 0]), JSON.parse(JSON.stringify(record)))).not.toThrow();
});

test.each<[string, Parameters<typeof images>, RegExp]>([
  ['one image fewer', [[0, 1, 1]], /"crow" has 1 image, had 2$/],
  ['another size', [[0, 1, 1, 0], { side: 3 }], /the images are 3x3x1, were 2x2x1/],
  ['another order', [[1, 0, 1, 0]], /the images come in another order/],
])('%s is refused', (_, args, message) => {
  expect(() => checkSameImages(images(...args), record)).toThrow(ConfigError);
  expect(() => checkSameImages(images(...args), record)).toThrow(message);
});

test('a record of another form is refused', () => {
  expect(() => checkSameImages(images([0]), { counts: 3 } as unknown as ImageRecord)).toThrow(/images: expected/);
});
