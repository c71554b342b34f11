import { createGenerator, randomIntegers } from '@learngene/random';
import { expectClose } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { type EvaluateProgress, evaluate, type MetricName } from './evaluate';
import { frechetDistance } from './frechet-distance';
import { datasetSource, imageSource } from './image-source';
import { inceptionScore } from './inception-score';
import { kernelDistance } from './kernel-distance';
import { createMoments, finishMoments, updateMoments } from './moments';
import { precisionRecall } from './precision-recall';
import type { FeatureExtractor, FeatureSet, ImageBatch } from './types';

const SIZE = 2 * 2 * 3;

function images(seed: number, count: number, high = 256): ImageBatch {
  const data = Uint8Array.from(randomIntegers(createGenerator(seed), count * SIZE, { high }));
  return { data, count, height: 2, width: 2, channels: 3 };
}

/** Pixels as they are: 12 features, of which 4 are "spatial" and 3 are "logits". */
const pixels: FeatureExtractor = {
  name: 'pixels',
  dims: SIZE,
  spatialDims: 4,
  classes: 3,
  async extract({ data, count }) {
    const head = (size: number) =>
      Float32Array.from({ length: count * size }, (_, i) => data[Math.floor(i / size) * SIZE + (i % size)] / 64);
    return { features: head(SIZE), spatial: head(4), logits: head(3) };
  },
};

async function setOf(batch: ImageBatch, key: 'features' | 'spatial' | 'logits'): Promise<FeatureSet> {
  const data = (await pixels.extract(batch))[key] as Float32Array;
  return { data, count: batch.count, dims: data.length / batch.count };
}

function statistics({ data, dims }: FeatureSet) {
  const moments = createMoments(dims);
  updateMoments(moments, data);
  return finishMoments(moments);
}

const real = images(1, 50);
const fake = images(2, 40, 200);
const all: MetricName[] = ['fid', 'sfid', 'inception-score', 'kid', 'precision-recall'];

test('every figure equals that of its own function, with progress over batches', async () => {
  const progress: EvaluateProgress[] = [];
  const result = await evaluate({
    extractor: pixels,
    reference: imageSource(real),
    samples: imageSource(fake),
    metrics: all,
    convention: 'torch-fidelity',
    batchSize: 16,
    kid: { subsets: 5, subsetSize: 20 },
    onProgress: (step) => progress.push(step),
  });
  const [a, b] = [await setOf(real, 'features'), await setOf(fake, 'features')];
  expectClose(result.fid ?? -1, frechetDistance(statistics(a), statistics(b)), { rtol: 1e-12 });
  const spatial = [statistics(await setOf(real, 'spatial')), statistics(await setOf(fake, 'spatial'))] as const;
  expectClose(result.sfid ?? -1, frechetDistance(...spatial), { rtol: 1e-11 });
  expect(result.inceptionScore).toEqual(inceptionScore(await setOf(fake, 'logits'), { convention: 'torch-fidelity' }));
  expect(result.kid).toEqual(kernelDistance(b, a, { subsets: 5, subsetSize: 20 }));
  expect(result.precisionRecall).toEqual(precisionRecall(b, a));
  expect(result).toMatchObject({ extractor: 'pixels', sampleCount: 40, referenceCount: 50, warnings: [] });
  const done = (phase: string) => progress.filter((step) => step.phase === phase).map((step) => step.done);
  expect(done('reference')).toEqual([16, 32, 48, 50]);
  expect(done('samples')).toEqual([16, 32, 40]);
  expect(done('metrics')).toEqual([1, 2, 3, 4, 5]);
});

test('statistics stand in for reference images; few images are warned of', async () => {
  const features = statistics(await setOf(real, 'features'));
  const few = imageSource(images(3, 9));
  const result = await evaluate({ extractor: pixels, reference: { features }, samples: few });
  const own = statistics(await setOf(images(3, 9), 'features'));
  expectClose(result.fid ?? -1, frechetDistance(features, own), { rtol: 1e-12 });
  expect(result.referenceCount).toBe(50);
  expect(result.warnings).toEqual(['fid: 9 images of samples for 12 dims, the covariance is rank-deficient']);
  const { mean, covariance } = features;
  const unknown = await evaluate({ extractor: pixels, reference: { features: { mean, covariance } }, samples: few });
  expect(unknown).not.toHaveProperty('referenceCount');
});

test('the Inception Score needs no reference; a dataset is a source', async () => {
  const dataset = {
    size: fake.count,
    height: 2,
    width: 2,
    channels: 3,
    read: async (indices: ArrayLike<number>) =>
      Uint8Array.from(Array.from(indices).flatMap((i) => [...fake.data.subarray(i * SIZE, (i + 1) * SIZE)])),
  };
  const run = (samples: ReturnType<typeof datasetSource>) =>
    evaluate({ extractor: pixels, samples, metrics: ['inception-score'] });
  expect(await run(datasetSource(dataset))).toEqual(await run(imageSource(fake)));
  const first = { ...fake, count: 5, data: fake.data.slice(0, 5 * SIZE) };
  expect(await run(datasetSource(dataset, [0, 1, 2, 3, 4]))).toEqual(await run(imageSource(first)));
  expect(() => datasetSource(dataset, [40])).toThrow('indices: expected values below 40, got 40');
});

test('an abort ends it between batches, and between figures', async () => {
  for (const phase of ['samples', 'metrics']) {
    const controller = new AbortController();
    const running = evaluate({
      extractor: pixels,
      reference: imageSource(real),
      samples: imageSource(fake),
      metrics: ['fid', 'sfid'],
      batchSize: 10,
      onProgress: (step) => step.phase === phase && controller.abort(new Error(`stopped in ${phase}`)),
      signal: controller.signal,
    });
    await expect(running).rejects.toThrow(`stopped in ${phase}`);
  }
});

describe('refusals', () => {
  const { spatialDims, classes, ...plain } = pixels;
  const base = { extractor: pixels, reference: imageSource(real), samples: imageSource(fake) };
  const nan: FeatureExtractor = {
    ...plain,
    extract: async ({ count }) => ({ features: new Float32Array(count * SIZE).fill(Number.NaN) }),
  };
  test.each<[string, Partial<Parameters<typeof evaluate>[0]>, string]>([
    ['no metric', { metrics: [] }, 'metrics: expected at least one, got none'],
    ['unknown metric', { metrics: ['is' as MetricName] }, "precision-recall, got 'is'"],
    ['no spatial features', { extractor: plain, metrics: ['sfid'] }, 'sfid needs spatialDims, pixels has none'],
    ['no logits', { extractor: plain, metrics: ['inception-score'] }, 'inception-score needs logits, pixels has none'],
    ['no reference', { reference: undefined }, 'reference: expected images or statistics for fid, got none'],
    ['statistics for KID', { reference: {}, metrics: ['kid'] }, 'reference: expected images for kid, got statistics'],
    ['statistics of other dims', { reference: {} }, 'reference.features: expected statistics of 12 dims, got none'],
    ['one sample', { samples: imageSource(images(1, 1)) }, 'samples: expected at least 2 images for fid, got 1'],
    ['one reference image', { reference: imageSource(images(1, 1)) }, 'reference: expected at least 2 images, got 1'],
    ['few for a subset', { metrics: ['kid'] }, 'samples: expected at least subsetSize 1000 vectors, got 40'],
    ['few for the splits', { metrics: ['inception-score'], inceptionScore: { splits: 41 } }, 'splits (41), got 40'],
    [
      'NaN features',
      { extractor: nan },
      'reference: features of pixels for images 0-49: expected finite values, got NaN in row 0',
    ],
    ['short features', { extractor: { ...pixels, dims: 13 } }, 'expected [50, 13] = 650 values, got 600'],
    [
      'missing output',
      { extractor: { ...nan, classes: 2 }, metrics: ['inception-score'] },
      'expected [40, 2] = 80 values, got none',
    ],
    ['short batch', { samples: { count: 40, read: async () => images(1, 3) } }, 'samples: expected 40 images, got 3'],
    ['batch size', { batchSize: 0 }, 'batchSize: expected an integer of at least 1, got 0'],
  ])('%s', async (_, change, message) => {
    await expect(evaluate({ ...base, ...change })).rejects.toThrow(message);
  });

  test('image batches of the wrong size', () => {
    expect(() => imageSource({ ...real, count: 49 })).toThrow('images: expected [49, 2, 2, 3] = 588 bytes, got 600');
  });
});
