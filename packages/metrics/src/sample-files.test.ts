import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeNpy, encodeNpz, type TensorData } from '@learngene/tensor-io';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from './evaluate';
import { type ImageSource, imageSource } from './image-source';
import { readSamples, readStatistics, writeSamples } from './npz-files';
import { openSamples, referenceContent } from './sample-files';
import type { FeatureExtractor } from './types';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-'));
});
afterAll(() => rm(folder, { recursive: true }));

const [count, height, width, channels] = [300, 8, 6, 3];
const pixels = Uint8Array.from({ length: count * height * width * channels }, (_, i) => (i * 7919) % 251);
const images: TensorData = { dtype: 'U8', shape: [count, height, width, channels], data: pixels };
const labels: TensorData = {
  dtype: 'I64',
  shape: [count],
  data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 7)),
};
const arrays = new Map<string, TensorData>([
  ['arr_0', images],
  ['arr_1', labels],
]);

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe.each<[string, () => Uint8Array, boolean]>([
  ['stored.npz', () => encodeNpz(arrays), true],
  ['deflated.npz', () => encodeNpz(arrays, { compress: true }), true],
  ['plain.npy', () => encodeNpy(images), false],
])('openSamples of %s', (name, encode, labelled) => {
  test('gives the images batch by batch, in any order, and the labels', async () => {
    const samples = await openSamples(await written(name, encode()));
    expect(samples).toMatchObject({ count, height, width, channels });
    expect(samples.labels).toEqual(labelled ? Int32Array.from({ length: count }, (_, i) => i % 7) : undefined);
    const size = height * width * channels;
    for (const [start, end] of [
      [0, 64],
      [64, 128],
      [256, 300],
      [10, 12],
    ]) {
      const batch = await samples.read(start, end);
      expect(batch).toEqual({
        data: pixels.slice(start * size, end * size),
        count: end - start,
        height,
        width,
        channels,
      });
    }
    await samples.close();
  });

  test('gives the figures of the same images in memory', async () => {
    const extractor: FeatureExtractor = {
      ...{ name: 'means', dims: 3 },
      async extract({ data, count: n }) {
        const features = new Float32Array(3 * n);
        for (let i = 0; i < data.length; i++) features[3 * Math.floor(i / (data.length / n)) + (i % 3)] += data[i] / 48;
        return { features };
      },
    };
    const samples = await openSamples(join(folder, name));
    const memory = imageSource({ data: pixels, count, height, width, channels });
    const reference = imageSource({ data: pixels.map((v) => 255 - v), count, height, width, channels });
    const fid = async (source: ImageSource) => (await evaluate({ extractor, samples: source, reference })).fid;
    expect(await fid(samples)).toBe(await fid(memory));
    await samples.close();
  });
});

test('names what is no set of images', async () => {
  const f32: TensorData = { dtype: 'F32', shape: [1, 2, 2, 3], data: new Float32Array(12) };
  const wrong = await written('wrong.npz', encodeNpz(new Map([['arr_0', f32]])));
  await expect(openSamples(wrong)).rejects.toThrow(`${wrong}: expected images U8 [N, H, W, C], got F32 [1, 2, 2, 3]`);
  const none = await written('none.npz', encodeNpz(new Map([['mu', f32]])));
  await expect(openSamples(none)).rejects.toThrow('expected an array arr_0, got mu');
  const far: TensorData = { dtype: 'I64', shape: [1], data: BigInt64Array.of(2n ** 33n) };
  const one: TensorData = { dtype: 'U8', shape: [1, 1, 1, 1], data: Uint8Array.of(1) };
  const large = await written(
    'large.npz',
    encodeNpz(
      new Map<string, TensorData>([
        ['arr_0', one],
        ['arr_1', far],
      ]),
    ),
  );
  await expect(openSamples(large)).rejects.toThrow('expected class numbers below 2^31 in arr_1, got 8589934592');
});

test('a reference says what it holds; arrays beside those that are needed are not judged', async () => {
  const mu: TensorData = { dtype: 'F64', shape: [1], data: Float64Array.of(2) };
  const sigma: TensorData = { dtype: 'F64', shape: [1, 1], data: Float64Array.of(3) };
  const both = await written(
    'both.npz',
    encodeNpz(new Map<string, TensorData>([...arrays, ['mu', mu], ['sigma', sigma]])),
  );
  expect(await referenceContent(both)).toEqual({ images: true, statistics: true });
  expect(await referenceContent(join(folder, 'plain.npy'))).toEqual({ images: true, statistics: false });
  expect((await readStatistics(both)).features?.mean).toEqual(Float64Array.of(2));
  expect((await readSamples(both)).images.count).toBe(count);
});

test('class names are written beside the labels and read back, and labels outside them are refused', async () => {
  const path = join(folder, 'named.npz');
  const few = { data: pixels.slice(0, 2 * height * width * channels), count: 2, height, width, channels };
  const classes = ['caf\u00e9', 'tench, Tinca tinca'];
  await writeSamples(path, { images: few, labels: Int32Array.of(1, 0), classes });
  const samples = await openSamples(path);
  expect(samples).toMatchObject({ classes, labels: Int32Array.of(1, 0) });
  await samples.close();
  expect(await readSamples(path)).toEqual({ images: few, labels: Int32Array.of(1, 0), classes });
  const outside = { images: few, labels: Int32Array.of(1, 99), classes };
  await expect(writeSamples(path, outside)).rejects.toThrow('labels: expected class numbers from 0 to 1, got 99');
});
