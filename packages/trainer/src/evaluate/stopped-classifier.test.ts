import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { noProgress, type Progress } from '@learngene/pipeline';
import { expectNoLeak, tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { type TrainExtractorOptions, trainExtractor, trainedExtractor } from './in-domain-extractor';

beforeAll(useTestBackend);
const folder = temporaryFolder('stopped-classifier');

const { tensors } = tinyImages();
const [pixels, labels] = ['images', 'labels'].map((name) => tensors.get(name)?.data) as [Uint8Array, Int32Array];
const each = 8 * 8 * 3;
const images = {
  name: 'tiny',
  height: 8,
  width: 8,
  channels: 3,
  size: labels.length,
  classes: ['bars', 'dots', 'flat'],
  labels: Int32Array.from(labels),
  read: async (indices: ArrayLike<number>) =>
    Uint8Array.from(Array.from(indices).flatMap((i) => [...pixels.subarray(i * each, (i + 1) * each)])),
};

const train = (path: string, more: Partial<TrainExtractorOptions> = {}) =>
  trainExtractor({ train: images, heldOut: images, steps: 6, seed: 3, path, progress: noProgress, ...more });

/** Stops a training after some steps. */
async function stop(path: string, after: number): Promise<void> {
  const controller = new AbortController();
  const progress: Progress = {
    ...noProgress,
    startBar: () => ({ update: (step) => void (step === after && controller.abort(new Error('enough'))), stop() {} }),
  };
  await expect(train(path, { progress, signal: controller.signal })).rejects.toThrow('enough');
}

test('a classifier that was stopped twice has the bytes of one that was not, and nothing is left of the stops', async () => {
  let [whole, stopped] = ['', ''];
  let count = 0;
  await expectNoLeak(async () => {
    const own = join(folder, `${count++}`);
    [whole, stopped] = ['whole', 'stopped'].map((name) => join(own, name, 'classifier.safetensors'));
    (await train(whole)).dispose();
    await stop(stopped, 2);
    expect(readdirSync(dirname(stopped))).toEqual(['classifier-stopped.safetensors']);
    await stop(stopped, 5);
    const said: string[] = [];
    const again = await train(stopped, { progress: { ...noProgress, info: (text) => said.push(text) } });
    expect(said).toEqual(['Continuing the in-domain classifier from step 5']);
    const read = await trainedExtractor(stopped, images);
    expect(read).toMatchObject({ accuracy: again.accuracy, classes: again.classes });
    for (const one of [again, read]) one.dispose();
  });
  expect(readFileSync(stopped)).toEqual(readFileSync(whole));
  expect(readdirSync(dirname(stopped))).toEqual(['classifier.safetensors']);
});

test.each<[string, Partial<TrainExtractorOptions>]>([
  ['of another seed', { seed: 4 }],
  ['of more steps', { steps: 7 }],
  ['of another batch', { batchSize: 5 }],
  ['of other images', { train: { ...images, size: 20, labels: images.labels.slice(0, 20) } }],
])('one %s begins anew', async (name, more) => {
  const path = join(folder, name, 'classifier.safetensors');
  await stop(path, 2);
  const said: string[] = [];
  (await train(path, { ...more, progress: { ...noProgress, info: (text) => said.push(text) } })).dispose();
  expect(said).toEqual([]);
  expect(existsSync(join(folder, name, 'classifier-stopped.safetensors'))).toBe(false);
});

test('without a file nothing is kept', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expectNoLeak(async () => {
    const training = trainExtractor({
      ...{ train: images, heldOut: images, steps: 2, seed: 0 },
      progress: noProgress,
      signal: controller.signal,
    });
    await expect(training).rejects.toThrow('enough');
  });
});
