import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TensorData } from '@learngene/tensor-io';
import { expectClose } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { featureSet, reference } from '../test/reference';
import { frechetDistance } from './frechet-distance';
import { createMoments, finishMoments, updateMoments } from './moments';
import { readSamples, readStatistics, writeSamples, writeStatistics } from './npz-files';
import { samplesFromArrays, statisticsFromArrays, statisticsToArrays } from './statistics';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('statistics that numpy wrote give its FID', async () => {
  const { features, spatial } = await readStatistics(fixture('statistics.npz'));
  expectClose(features?.mean ?? [], reference.moments.mean, { rtol: 0, atol: 0 });
  expectClose(features?.covariance ?? [], reference.moments.covariance, { rtol: 0, atol: 0 });
  if (!features || !spatial) throw new Error('statistics are missing');
  expectClose(frechetDistance(features, spatial), reference.fid['a-b'].scipy, { rtol: 1e-12 });
});

test('samples that numpy wrote', async () => {
  const { images, labels } = await readSamples(fixture('samples.npz'));
  expect(images).toMatchObject({ count: 2, height: 4, width: 3, channels: 3 });
  expect([...images.data]).toEqual(Array.from({ length: 72 }, (_, i) => i));
  expect([...(labels ?? [])]).toEqual([3, 1]);
});

test('both kinds survive a round trip', async () => {
  const moments = createMoments(reference.dims);
  updateMoments(moments, featureSet('b').data);
  const { mean, covariance } = finishMoments(moments);
  const path = join(folder, 'x.npz');
  await writeStatistics(path, { spatial: { mean, covariance } });
  expect(await readStatistics(path)).toEqual({ spatial: { mean, covariance } });
  const samples = await readSamples(fixture('samples.npz'));
  await writeSamples(path, samples);
  expect(await readSamples(path)).toEqual(samples);
  await writeSamples(path, { images: samples.images });
  expect(await readSamples(path)).toEqual({ images: samples.images });
});

describe('refusals', () => {
  const f64 = (shape: number[]): TensorData => ({
    dtype: 'F64',
    shape,
    data: new Float64Array(shape.reduce((a, b) => a * b, 1)),
  });
  const u8 = (shape: number[]): TensorData => ({
    dtype: 'U8',
    shape,
    data: new Uint8Array(shape.reduce((a, b) => a * b, 1)),
  });
  const bad: TensorData = { dtype: 'F64', shape: [1], data: Float64Array.of(Number.NaN) };
  test.each<[string, [string, TensorData][], string]>([
    ['neither', [['arr_0', u8([1])]], 's.npz: expected arrays mu and sigma (or mu_s and sigma_s), got arr_0'],
    ['half', [['mu', f64([2])]], 's.npz: expected both mu and sigma, got only mu'],
    [
      'shape',
      [
        ['mu', f64([2])],
        ['sigma', f64([2, 3])],
      ],
      's.npz: expected mu [d] and sigma [d, d], got [2] and [2, 3]',
    ],
    [
      'dtype',
      [
        ['mu', u8([2])],
        ['sigma', f64([2, 2])],
      ],
      's.npz: mu: expected F64 or F32, got U8',
    ],
    [
      'NaN',
      [
        ['mu', bad],
        ['sigma', f64([1, 1])],
      ],
      's.npz: mu: expected finite values, got NaN',
    ],
  ])('statistics: %s', (_, arrays, message) => {
    expect(() => statisticsFromArrays('s.npz', new Map(arrays))).toThrow(message);
  });

  test.each<[string, [string, TensorData][], string]>([
    ['missing', [['mu', f64([2])]], 's.npz: expected an array arr_0, got mu'],
    ['dtype', [['arr_0', f64([1, 2, 2, 3])]], 's.npz: expected arr_0 U8 [N, H, W, C], got F64 [1, 2, 2, 3]'],
    ['rank', [['arr_0', u8([2, 2, 3])]], 'got U8 [2, 2, 3]'],
    [
      'labels',
      [
        ['arr_0', u8([1, 2, 2, 3])],
        ['arr_1', f64([1])],
      ],
      's.npz: expected arr_1 integer [1], got F64 [1]',
    ],
  ])('samples: %s', (_, arrays, message) => {
    expect(() => samplesFromArrays('s.npz', new Map(arrays))).toThrow(message);
  });

  test('nothing to write', async () => {
    expect(() => statisticsToArrays({})).toThrow('statistics: expected features or spatial, got neither');
    const images = { data: new Uint8Array(12), count: 1, height: 2, width: 2, channels: 3 };
    await expect(writeSamples(join(folder, 'y.npz'), { images, labels: Int32Array.of(1, 2) })).rejects.toThrow(
      'labels: expected 1',
    );
    await expect(writeSamples(join(folder, 'y.npz'), { images: { ...images, count: 2 } })).rejects.toThrow('got 12');
  });
});
