import { type ImageDataset, subset } from '@learngene/datasets';
import type { ImageSource } from '@learngene/metrics';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, expect, test } from 'vitest';
import { kernelDistanceByClass } from './kernel-distance-by-class';
import { score, scoreWords } from './score';

beforeAll(useTestBackend);

/** Images of two pixels; of class 0 the first is dark, of class 1 bright. */
function images(rows: readonly (readonly [label: number, first: number, second: number])[]): ImageDataset {
  return {
    name: 'pairs',
    size: rows.length,
    height: 1,
    width: 2,
    channels: 1,
    classes: ['dark', 'bright'],
    labels: Int32Array.from(rows, ([label]) => label),
    read: async (indices) => Uint8Array.from(Array.from(indices).flatMap((i) => rows[i].slice(1))),
  };
}

const extractor = {
  name: 'pixels',
  dims: 2,
  classes: 2,
  async extract({ data, count }: Awaited<ReturnType<ImageSource['read']>>) {
    const features = Float32Array.from(data);
    const logits = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 128 : data[i - 1]));
    return { features, logits };
  },
};

const HELD_OUT = images([
  [0, 10, 0],
  [0, 20, 8],
  [0, 30, 2],
  [0, 40, 4],
  [1, 200, 0],
  [1, 220, 10],
]);
const train = images([
  [0, 12, 0],
  [1, 198, 0],
]);
/** Two images of the dark class, two of the bright one. */
const SAMPLES = Uint8Array.of(10, 0, 30, 2, 200, 0, 220, 10);

const scored = (heldOut: ImageDataset, data = SAMPLES, classes = [0, 0, 1, 1]) =>
  score(extractor as never, {
    images: { data, count: data.length / 2, height: 1, width: 2, channels: 1 },
    classes,
    train,
    heldOut,
    seed: 0,
  });

test('every class has the same weight in the distances, however many held-out images it has', async () => {
  const often = await scored(HELD_OUT);
  const alike = await scored(subset(HELD_OUT, [0, 1, 2, 3, 4, 5, 4, 5]));
  for (const name of ['fid', 'trainFid', 'noiseFid'] as const) expect(often[name]).toBeCloseTo(alike[name], 6);
  const balanced = Uint8Array.of(10, 0, 20, 8, 30, 2, 40, 4, 200, 0, 220, 10, 200, 0, 220, 10);
  expect((await scored(HELD_OUT, balanced, [0, 0, 0, 0, 1, 1, 1, 1])).fid).toBeCloseTo(0, 4);
});

test('shares of samples and of reals, and the nearest training image of each sample', async () => {
  const result = await scored(HELD_OUT, Uint8Array.of(10, 0, 180, 0, 100, 0, 220, 10));
  expect([result.classAccuracy, result.realAccuracy]).toEqual([0.5, 1]);
  expect(result.nearest).toEqual([0, 1, 0, 1]);
  // Distances to the training: dark reals 2, 11.3, 18.1, 28.3 (median 14.7), bright ones 2, 24.2 (median 13.1);
  // samples 2 and 18 of the dark class, 88 and 24.2 of the bright one.
  expect(result.nearTraining).toBe(0.25);
  expect(result.trainKid).toBeNaN(); // one training image a class
});

test('kernel distances are those within the classes', async () => {
  const reals = [10, 0, 20, 8, 30, 2, 40, 4];
  const samples = [12, 1, 180, 3, 20, 0, 31, 3];
  const dark = (values: number[]) => ({
    features: [0, 2, 4, 6].map((at) => Float32Array.from(values.slice(at, at + 2))),
    classes: [0, 0, 0, 0],
  });
  const { kid, noiseKid } = await scored(HELD_OUT, Uint8Array.from(samples), [0, 0, 0, 0]);
  expect(kid).toBe(kernelDistanceByClass(dark(samples), dark(reals)));
  expect(noiseKid).not.toBe(kid);
});

test('a score in words', async () => {
  const result = { ...(await scored(HELD_OUT)), fid: 12.345, noiseFid: 200, classAccuracy: 0.987 };
  expect(scoreWords(result)).toBe('FID 12.35 (noise 200.00), 99 % taken for their class');
});
