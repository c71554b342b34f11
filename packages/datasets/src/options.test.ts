import { expectOption } from '@learngene/testing';
import { describe, test } from 'vitest';
import { tinyDataset } from '../test/tiny-dataset';
import { createBatches } from './batches';
import { centerCrop } from './center-crop';
import { flipHorizontal } from './flip';
import { holdOut } from './hold-out';
import { readInOrder } from './in-order';
import { cacheDataset, inMemoryDataset } from './memory';
import { imageFiles } from './node-files';
import { BOX, resample } from './resample';
import { selectClasses, splitClasses } from './select-classes';
import { subset } from './subset';

const { NaN: nan, POSITIVE_INFINITY: infinity, MAX_SAFE_INTEGER: safe } = Number;
const wrong = [nan, infinity, -infinity, 0.5];
const notIndex = [...wrong, -1];
const notCount = [...notIndex, 0, -0];
const data = tinyDataset([0, 1, 2, 0, 1, 2], ['a', 'b', 'c']);
const image = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 };
const files = { files: ['x.png'], labels: [0], classes: ['a'] };
const size = { height: 1, width: 1, channels: 1 };
const memory = (part: object) =>
  inMemoryDataset({ name: 'm', images: new Uint8Array(1), labels: [0], classes: ['a'], ...size, ...part });

/** Every option that is a number or a word: what takes it, its name, what it must refuse and what it must take. */
const options: [what: string, name: string, call: (value: never) => unknown, refused: unknown[], taken: unknown[]][] = [
  [
    'createBatches',
    'batchSize',
    (batchSize) => createBatches(data, { batchSize, seed: 1 }),
    [...notCount, 2 ** 31],
    [1, 7],
  ],
  [
    'createBatches',
    'seed',
    (seed) => createBatches(data, { batchSize: 1, seed }),
    [...wrong, safe + 1],
    [0, -0, -1, safe],
  ],
  [
    'createBatches',
    'prefetch',
    (prefetch) => createBatches(data, { batchSize: 1, seed: 1, prefetch }),
    [...notIndex, 1025],
    [0, -0, 1],
  ],
  [
    'createBatches',
    'remainder',
    (remainder) => createBatches(data, { batchSize: 1, seed: 1, remainder }),
    ['', 'fill'],
    ['carry', 'short', 'drop'],
  ],
  [
    'createBatches, drop',
    'batchSize',
    (batchSize) => createBatches(data, { batchSize, seed: 1, remainder: 'drop' }),
    [7],
    [6],
  ],
  ['readInOrder', 'batchSize', (batchSize) => readInOrder(data, { batchSize }).next(), notCount, [1, 100]],
  ['readInOrder', 'prefetch', (prefetch) => readInOrder(data, { batchSize: 1, prefetch }).next(), notIndex, [0]],
  ['holdOut', 'perClass', (perClass) => holdOut(data, { perClass, seed: 1 }), [...notCount, 2], [1]],
  [
    'holdOut',
    'fraction',
    (fraction) => holdOut(data, { fraction, seed: 1 }),
    [nan, infinity, 0, -0, 1, -1],
    [1e-9, 0.999],
  ],
  ['holdOut', 'seed', (seed) => holdOut(data, { perClass: 1, seed }), [...wrong, safe + 1], [0, -1]],
  ['splitClasses', 'novel', (novel) => splitClasses(data, { novel, seed: 1 }), [...notCount, 3], [1, 2]],
  ['splitClasses', 'seed', (seed) => splitClasses(data, { novel: 1, seed }), [...wrong, undefined], [0, -1]],
  ['selectClasses', 'classes', (label) => selectClasses(data, [label]), [...notIndex, 3], [0, -0, 2]],
  ['subset', 'indices', (index) => subset(data, [index]), [...notIndex, 6], [0, -0, 5]],
  ['subset', 'labels', (label) => subset(data, [0], { labels: [label] }), [...notIndex, 3], [0, 2]],
  ['read', 'indices', (index) => data.read(index), [[-1], [6], [nan], [0.5]], [[], [0], [5]]],
  ['inMemoryDataset', 'labels', (label) => memory({ labels: [label] }), [...notIndex, 1], [0, -0]],
  ['inMemoryDataset', 'height', (height) => memory({ height }), notCount, [1]],
  ['inMemoryDataset', 'width', (width) => memory({ width }), notCount, [1]],
  ['inMemoryDataset', 'channels', (channels) => memory({ channels }), notCount, [1]],
  ['cacheDataset', 'maxBytes', (maxBytes) => cacheDataset(data, { maxBytes }), notIndex, [72, safe]],
  ['centerCrop', 'size', (side) => centerCrop(image, side), notCount, [1, 3]],
  ['centerCrop', 'width', (width) => centerCrop({ ...image, width }, 1), notCount, [2]],
  ['resample', 'width', (width) => resample(image, width, 2, BOX), notCount, [1, 5]],
  ['resample', 'height', (height) => resample(image, 2, height, BOX), notCount, [1, 5]],
  ['flipHorizontal', 'at', (at) => flipHorizontal(image.data, at, image), [...notIndex, 1], [0]],
  ['imageFiles', 'size', (side) => imageFiles(files, { size: side }), notCount, [1]],
  ['imageFiles', 'concurrency', (concurrency) => imageFiles(files, { size: 1, concurrency }), notCount, [1]],
  ['imageFiles', 'labels', (label) => imageFiles({ ...files, labels: [label] }, { size: 1 }), [...notIndex, 1], [0]],
];

describe('options', () => {
  test.each(options)('%s: %s', (_, name, call, refused, taken) => expectOption(name, call, { refused, taken }));
});
