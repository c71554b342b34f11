// First: the engine must be tfjs-core's own and not that of its bundled gradients.
import '@tensorflow/tfjs-core';

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classCounts, type ImageDataset, inMemoryDataset } from '@learngene/datasets';
import { noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan, useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawBatch } from '../learners/batch';
import { parsePlan } from '../plan/plan';
import { fewOfEach, openPlanDataset, splitOf } from './data';

const folder = mkdtempSync(join(tmpdir(), 'learngene-transfer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every picture holds its own number. */
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
    for (const picture of held) expect(kept).not.toContain(picture);
    const alone = await pixels(splitOf(numbered(20), ['b'], 0.25).heldOut);
    expect(held.filter((_, i) => heldOut.labels[i] === 1).sort()).toEqual(alone.sort());
  });
  test('few pictures a class are a part of more, and others by another seed', async () => {
    const options = { purpose: 'p', seed: 3 };
    const few = await pixels(fewOfEach(numbered(20), 4, options));
    const more = new Set(await pixels(fewOfEach(numbered(20), 9, options)));
    expect(few).toHaveLength(12);
    for (const picture of few) expect(more).toContain(picture);
    expect(await pixels(fewOfEach(numbered(20), 4, { ...options, seed: 4 }))).not.toEqual(few);
    expect(fewOfEach(numbered(20), 0, options).size).toBe(60);
  });
});

test('a dataset is brought to its size and channels once, and read from one file afterwards', async () => {
  const path = join(folder, 'pictures.safetensors');
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(path, tensors, { metadata });
  const input = tinyPlan(path);
  const plan = parsePlan({ ...input, datasets: { tiny: { ...input.datasets.tiny, size: 4, channels: 1 } } }, 'plan');
  const output = noProgress;
  const first = await openPlanDataset(folder, plan, 'tiny', output);
  expect([first.height, first.width, first.channels, first.classes]).toEqual([4, 4, 1, ['bars', 'dots', 'flat']]);
  rmSync(path);
  expect(await pixels(await openPlanDataset(folder, plan, 'tiny', output))).toEqual(await pixels(first));
});

describe('batches', () => {
  beforeAll(useTestBackend);
  const images = Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80);
  const labels = Int32Array.of(2, 0, 1, 0, 2, 1, 0, 2);
  const options = { seed: 1, purpose: 'p', step: 5, labelDropout: 0.4, timesteps: 1000 };
  const draw = async (droppedFirst: boolean, more = {}) => {
    const {
      x0,
      noise,
      t,
      labels: own,
      dropped,
    } = drawBatch({ images, labels }, [1, 1, 1], { ...options, ...more, droppedFirst });
    const [a, b] = [await x0.data(), await noise.data()];
    x0.dispose();
    noise.dispose();
    return Array.from(a, (pixel, i) => ({ pixel, noise: b[i], t: t[i], label: own[i], dropped: dropped[i] }));
  };
  const byPixel = (rows: Awaited<ReturnType<typeof draw>>) => [...rows].sort((a, b) => a.pixel - b.pixel);
  test('every picture has the same noise, timestep and label in whatever order a method wants', async () => {
    const [first, last] = [await draw(true), await draw(false)];
    expect(byPixel(first)).toEqual(byPixel(last));
    expect(first).not.toEqual(last);
    expect(last.map(({ label }) => label)).toEqual([...labels].sort());
    const gates = first.map(({ dropped, label }) => (dropped ? -1 : label));
    expect(gates).toEqual([...gates].sort((a, b) => a - b));
  });
  test('and another one in every step and seed', async () => {
    for (const more of [{ step: 6 }, { seed: 2 }, { purpose: 'q' }]) {
      expect(byPixel(await draw(false, more)).map(({ noise }) => noise)).not.toEqual(
        byPixel(await draw(false)).map(({ noise }) => noise),
      );
    }
  });
});
