import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { frechetDistance } from './frechet-distance';
import {
  augmentImages,
  type ClassifierOptions,
  classifierAccuracy,
  classifierConfig,
  createMoments,
  datasetSource,
  type EvaluateOptions,
  evaluate,
  type FeatureExtractor,
  type FeatureSet,
  finishMoments,
  type ImageBatch,
  imageSource,
  inceptionScore,
  initClassifier,
  kernelDistance,
  labelledImages,
  precisionRecall,
  type TrainClassifierOptions,
  trainClassifier,
  updateMoments,
} from './index';

beforeAll(useTestBackend);

const momentsOf = ({ data, dims }: FeatureSet) => {
  const moments = createMoments(dims);
  updateMoments(moments, data);
  return moments;
};
const statisticsOf = (set: FeatureSet) => finishMoments(momentsOf(set));
/** Exactly representable after a shift by 10000. */
const coarse = (set: FeatureSet): FeatureSet => ({
  ...set,
  data: set.data.map((value) => Math.round(value * 256) / 256),
});

const a = coarse(gaussianFeatures(1, 40, 5));
const b = coarse(gaussianFeatures(2, 30, 5, 0.5));

/** Wrong for every scalar. */
const BAD = [Number.NaN, Number.POSITIVE_INFINITY, -1];
const images: ImageBatch = { data: new Uint8Array(8 * 4 * 4), count: 8, height: 4, width: 4, channels: 1 };
const labels = Int32Array.from({ length: 8 }, (_, i) => i % 2);
const config = classifierConfig({ height: 4, width: 4, channels: 1, classes: 2 });
const pixels: FeatureExtractor = {
  name: 'pixels',
  dims: 16,
  classes: 16,
  extract: async ({ data }) => ({ features: Float32Array.from(data), logits: Float32Array.from(data) }),
};
const judge = (options: Partial<EvaluateOptions>) =>
  evaluate({ extractor: pixels, samples: imageSource(images), reference: imageSource(images), ...options });
const train = (options: Partial<TrainClassifierOptions>) =>
  trainClassifier({
    config,
    data: labelledImages(images, labels),
    generator: createGenerator(1),
    steps: 1,
    ...options,
  });
const sized = (fields: Partial<ClassifierOptions>) =>
  classifierConfig({ height: 4, width: 4, channels: 1, classes: 2, ...fields });
const source = (count: number) => ({ count, read: async () => images });

/** Every scalar option, what takes it, and wrong values beside those of BAD. */
const OPTIONS: readonly [name: string, more: readonly number[], use: (value: number) => unknown][] = [
  ['epsilon', [], (epsilon) => frechetDistance(statisticsOf(a), statisticsOf(b), { epsilon })],
  ['neighbors', [0, 1.5], (neighbors) => precisionRecall(a, b, { neighbors })],
  ['blockRows', [0, 1.5], (blockRows) => precisionRecall(a, b, { blockRows })],
  ['subsets', [0, 1.5], (subsets) => kernelDistance(a, b, { subsetSize: 10, subsets })],
  ['subsetSize', [0, 1, 1.5], (subsetSize) => kernelDistance(a, b, { subsetSize })],
  ['degree', [0, 1.5], (degree) => kernelDistance(a, b, { subsetSize: 10, degree })],
  ['gamma', [0], (gamma) => kernelDistance(a, b, { subsetSize: 10, gamma })],
  ['coef0', [], (coef0) => kernelDistance(a, b, { subsetSize: 10, coef0 })],
  ['seed', [1.5, 2 ** 32], (seed) => kernelDistance(a, b, { subsetSize: 10, seed })],
  ['splits', [0, 1.5], (splits) => inceptionScore(a, { splits })],
  ['splitSize', [0, 1.5], (splitSize) => inceptionScore(a, { splitSize })],
  ['seed', [1.5, 2 ** 32], (seed) => inceptionScore(a, { shuffle: true, seed })],
  ['dims', [0, 1.5], (dims) => createMoments(dims)],
  ['samples.dims', [0, 1.5], (dims) => precisionRecall({ ...a, dims }, b)],
  ['samples.count', [1.5], (count) => kernelDistance({ ...a, count }, b, { subsetSize: 10 })],
  ['logits.count', [0, 1.5], (count) => inceptionScore({ ...a, count, data: new Float32Array(0) })],
  ['batchSize', [0, 1.5], (batchSize) => judge({ batchSize })],
  ['epsilon', [], (epsilon) => judge({ epsilon })],
  ['samples.count', [1.5], (count) => judge({ samples: source(count), metrics: ['inception-score'] })],
  ['reference.count', [1.5], (count) => judge({ reference: source(count) })],
  ['extractor.dims', [0, 1.5], (dims) => judge({ extractor: { ...pixels, dims } })],
  ['extractor.classes', [1.5], (classes) => judge({ extractor: { ...pixels, classes } })],
  ['extractor.spatialDims', [1.5], (spatialDims) => judge({ extractor: { ...pixels, spatialDims } })],
  [
    'indices',
    [1.5],
    (index) =>
      datasetSource({ size: 3, height: 1, width: 1, channels: 1, read: async () => new Uint8Array() }, [index]),
  ],
  [
    'dataset.size',
    [1.5],
    (size) => datasetSource({ size, height: 1, width: 1, channels: 1, read: async () => new Uint8Array() }),
  ],
  ['images.count', [1.5], (count) => imageSource({ ...images, count })],
  ['images.height', [0, 1.5], (height) => imageSource({ ...images, height })],
  ['images.width', [0, 1.5], (width) => imageSource({ ...images, width })],
  ['images.channels', [0, 1.5], (channels) => imageSource({ ...images, channels })],
  ['shift', [1.5], (shift) => augmentImages(images, createGenerator(1), { shift })],
  ['augment.shift', [1.5], (shift) => train({ augment: { shift } })],
  ['steps', [0, 1.5], (steps) => train({ steps })],
  ['batchSize', [0, 1.5], (batchSize) => train({ batchSize })],
  ['learningRate', [0], (learningRate) => train({ learningRate })],
  ['weightDecay', [], (weightDecay) => train({ weightDecay })],
  [
    'batchSize',
    [0, 1.5],
    (batchSize) =>
      classifierAccuracy(initClassifier(createGenerator(1), config), config, {
        data: labelledImages(images, labels),
        batchSize,
      }),
  ],
  ['height', [0, 1.5], (height) => sized({ height })],
  ['width', [0, 1.5], (width) => sized({ width })],
  ['channels', [0, 1.5], (channels) => sized({ channels })],
  ['classes', [0, 1, 1.5], (classes) => sized({ classes })],
  ['stride', [0, 1.5], (stride) => sized({ stride })],
  ['window', [0, 1.5], (window) => sized({ window })],
  ['features', [0, 1.5], (features) => sized({ features })],
  ['spatialChannels', [0, 1.5, 33], (spatialChannels) => sized({ spatialChannels })],
  ['hidden[0]', [0, 1.5], (width) => sized({ hidden: [width, 8] })],
  ['hidden[1]', [0, 1.5], (width) => sized({ hidden: [8, width] })],
  ['depth[0]', [1.5], (depth) => sized({ depth: [depth, 1] })],
  ['depth[1]', [1.5], (depth) => sized({ depth: [1, depth] })],
];

test.each(OPTIONS)('%s refuses NaN, infinity, a negative number and %j by its name', async (name, more, use) => {
  for (const value of [...BAD, ...more]) {
    const outcome = await Promise.resolve(value)
      .then(use)
      .then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    expect(outcome, `${name} = ${value}`).toContain(`${name}: expected`);
    expect(outcome, `${name} = ${value}`).toContain('got');
  }
});

test('a convention that nobody has is refused', async () => {
  const convention = 'tensorflow' as 'adm';
  expect(() => inceptionScore(a, { convention })).toThrow(
    "convention: expected 'adm' or 'torch-fidelity', got \"tensorflow\"",
  );
  await expect(judge({ convention })).rejects.toThrow('convention: expected');
});
