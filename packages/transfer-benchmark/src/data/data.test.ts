import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { classCounts, type ImageDataset, inMemoryDataset } from '@learngene/datasets';
import { noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { resolveJobs } from '../jobs/resolve-jobs';
import { parsePlan } from '../plan/benchmark-plan';
import { openDataset, splitOf, takePerClass } from './data';

const folder = temporaryFolder('transfer');

/** Every image holds its own number. */
function numbered(perClass: number): ImageDataset {
  const labels = Array.from({ length: 3 * perClass }, (_, i) => i % 3);
  const images = Uint8Array.from(labels, (_, i) => i);
  return inMemoryDataset({ name: 'n', images, labels, height: 1, width: 1, channels: 1, classes: ['a', 'b', 'c'] });
}
const pixels = async (dataset: ImageDataset) => [...(await dataset.read(Array.from(dataset.labels.keys())))];

describe('splits', () => {
  test('what is held out is never trained on, and stays the same whatever classes are chosen', async () => {
    const { train, heldOut } = splitOf(numbered(20), ['a', 'b', 'c'], 0.25);
    expect([...classCounts(heldOut)]).toEqual([5, 5, 5]);
    const [kept, held] = [new Set(await pixels(train)), await pixels(heldOut)];
    for (const image of held) expect(kept).not.toContain(image);
    const alone = await pixels(splitOf(numbered(20), ['b'], 0.25).heldOut);
    expect(held.filter((_, i) => heldOut.labels[i] === 1).sort()).toEqual(alone.sort());
  });
  test('few images a class are a part of more, and others by another seed', async () => {
    const options = { purpose: 'p', seed: 3 };
    const few = await pixels(takePerClass(numbered(20), 4, options));
    const more = new Set(await pixels(takePerClass(numbered(20), 9, options)));
    expect(few).toHaveLength(12);
    for (const image of few) expect(more).toContain(image);
    expect(await pixels(takePerClass(numbered(20), 4, { ...options, seed: 4 }))).not.toEqual(few);
    expect(takePerClass(numbered(20), 0, options).size).toBe(60);
  });
});

test('a dataset is brought to its size and channels once, and read from one file afterwards', async () => {
  const path = join(folder, 'images.safetensors');
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(path, tensors, { metadata });
  const input = tinyPlan(path);
  const plan = parsePlan({ ...input, datasets: { tiny: { ...input.datasets.tiny, size: 4, channels: 1 } } }, 'plan');
  const [data] = resolveJobs(plan).values();
  if (data.kind !== 'data') throw new Error('expected the data first');
  const progress = noProgress;
  const first = await openDataset(folder, data.dataset, progress);
  expect([first.height, first.width, first.channels, first.classes]).toEqual([4, 4, 1, ['bars', 'dots', 'flat']]);
  rmSync(path);
  expect(await pixels(await openDataset(folder, data.dataset, progress))).toEqual(await pixels(first));
});
