import { cloneParams, disposeParams, flattenParams, unflattenParams } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { checkGradient, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { stripes } from '../../test/stripes';
import { evaluate } from '../evaluate';
import { imageSource } from '../image-source';
import { classifierConfig } from './config';
import { classifierAccuracy, classifierExtractor } from './extractor';
import { applyClassifier, type ClassifierParams, initClassifier } from './model';
import {
  type ClassifierTraining,
  classifierLoss,
  labelledImages,
  type TrainClassifierOptions,
  trainClassifier,
  windowTensor,
} from './train';

const config = classifierConfig({
  height: 8,
  width: 8,
  channels: 1,
  classes: 3,
  stride: 2,
  window: 4,
  hidden: [6, 8],
  depth: [1, 1],
  features: 6,
  spatialChannels: 2,
});
const { images, labels } = stripes(1, 96);
const data = labelledImages(images, labels);
const base: TrainClassifierOptions = {
  config,
  data,
  generator: createGenerator(3),
  steps: 24,
  batchSize: 16,
  learningRate: 1e-2,
};

beforeAll(useTestBackend);

test('learns a separable task', async () => {
  const seen: number[] = [];
  const { params, history } = await trainClassifier({ ...base, onStep: ({ step }) => seen.push(step) });
  expect(history[23]).toBeLessThan(0.2 * history[0]);
  expect(seen).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  const unseen = stripes(2, 50);
  const accuracy = await classifierAccuracy(params, config, {
    data: labelledImages(unseen.images, unseen.labels),
    batchSize: 32,
  });
  expect(accuracy).toBeGreaterThan(0.95);
  disposeParams(params);
});

test('the same seed gives the same bits', async () => {
  const run = () => trainClassifier({ ...base, generator: createGenerator(9), steps: 3 });
  const [a, b] = [await run(), await run()];
  expect(a.history).toEqual(b.history);
  const [x, y] = [flattenParams(a.params), flattenParams(b.params)];
  for (const [name, tensor] of x) expect(y.get(name)?.dataSync()).toEqual(tensor.dataSync());
  disposeParams(a.params);
  disposeParams(b.params);
});

test.each([1, 2, 3])(
  'stopped after step %i and gone on with, it has the bits of one that was not stopped',
  async (at) => {
    const options = () => ({ ...base, generator: createGenerator(9), steps: 4 });
    const whole = await trainClassifier(options());
    await expectNoLeak(async () => {
      const controller = new AbortController();
      let kept: ClassifierTraining | undefined;
      const stopped = trainClassifier({
        ...options(),
        signal: controller.signal,
        onStep: ({ step }) => void (step === at && controller.abort(new Error('enough'))),
        async onStop({ params, state, history }) {
          kept = {
            params: cloneParams(params),
            state: { step: state.step, m: cloneParams(state.m), v: cloneParams(state.v) },
            history,
          };
        },
      });
      await expect(stopped).rejects.toThrow('enough');
      const from = kept as ClassifierTraining;
      expect([from.state.step, from.history.length]).toEqual([at, at]);
      const seen: number[] = [];
      const again = await trainClassifier({ ...options(), from, onStep: ({ step }) => seen.push(step) });
      expect(seen).toEqual([1, 2, 3, 4].filter((step) => step > at));
      expect(again.history).toEqual(whole.history);
      const [x, y] = [flattenParams(whole.params), flattenParams(again.params)];
      for (const [name, tensor] of x) expect(y.get(name)?.dataSync(), name).toEqual(tensor.dataSync());
      await expect(
        trainClassifier({ ...options(), steps: at - 1 || 1, from: { ...from, state: { ...from.state, step: 9 } } }),
      ).rejects.toThrow('from: expected at most');
      for (const tree of [again.params, from.params, from.state.m, from.state.v]) disposeParams(tree);
    });
    disposeParams(whole.params);
  },
);

test('gradients of the loss equal finite differences', () => {
  const tiny = classifierConfig({ ...config, height: 4, width: 4, hidden: [4, 5], features: 3, depth: [1, 1] });
  const params = initClassifier(createGenerator(4), tiny);
  const pixels = { ...images, data: images.data.slice(0, 3 * 16), count: 3, height: 4, width: 4 };
  const windows = windowTensor(pixels, tiny);
  const target = tf.oneHot(tf.tensor1d([0, 2, 1], 'int32'), 3) as tf.Tensor2D;
  const leaves = [...flattenParams(params)];
  const rebuild = (tensors: readonly tf.Tensor[]) =>
    unflattenParams(new Map(leaves.map(([name], i) => [name, tensors[i]]))) as unknown as ClassifierParams;
  checkGradient(
    (...tensors) => classifierLoss(rebuild(tensors), windows, target, tiny),
    leaves.map(([, tensor]) => tensor),
    { step: 3e-3 }, // the norm over 4 channels curves strongly: at 1e-2 the difference quotient is off by 2e-3 itself
  );
});

test('a fresh classifier: shapes and sizes of the extractor', async () => {
  const params = initClassifier(createGenerator(5), config);
  const extractor = classifierExtractor(params, config, { name: 'toy' });
  expect(extractor).toMatchObject({ name: 'toy', dims: 6, spatialDims: 16 * 2, classes: 3 });
  const { features, spatial, logits } = await extractor.extract(images);
  expect([features.length, spatial?.length, logits?.length]).toEqual([96 * 6, 96 * 32, 96 * 3]);
  const result = await evaluate({
    extractor,
    reference: imageSource(images),
    samples: imageSource(images),
    metrics: ['fid', 'sfid', 'inception-score', 'precision-recall'],
  });
  expect(result.fid).toBeLessThan(1e-10);
  expect(result.sfid).toBeLessThan(1e-10);
  expect(result.precisionRecall?.precision).toBe(1);
  disposeParams(params);
});

test('batches that come ready are trained on', async () => {
  const next = async () => ({ images: images.data.slice(0, 6 * 64), labels: labels.slice(0, 6) });
  const { params, history } = await trainClassifier({ ...base, data: { next }, steps: 10, augment: false });
  expect(history[9]).toBeLessThan(history[0]);
  disposeParams(params);
});

describe('memory', () => {
  const short = { ...base, steps: 2 };
  test('training, extraction and accuracy leave nothing behind', async () => {
    await expectNoLeak(async () => {
      const { params } = await trainClassifier(short);
      await classifierExtractor(params, config).extract(images);
      await classifierAccuracy(params, config, { data });
      disposeParams(params);
    });
  });

  test('nor does an abort or an error', async () => {
    await expectNoLeak(async () => {
      const controller = new AbortController();
      const onStep = () => controller.abort(new Error('enough'));
      await expect(trainClassifier({ ...short, onStep, signal: controller.signal })).rejects.toThrow('enough');
      const next = async () => ({ images: images.data.slice(0, 64), labels: Int32Array.of(3) });
      await expect(trainClassifier({ ...short, data: { next } })).rejects.toThrow(
        'labels: expected values in [0, 3), got 3',
      );
      await expect(trainClassifier({ ...short, learningRate: 1e300 })).rejects.toThrow(
        'loss: expected a finite value, got NaN at step 2',
      );
    });
  });
});

test('the model is pure: applied twice it gives the same', () => {
  tf.tidy(() => {
    const params = initClassifier(createGenerator(6), config);
    const windows = windowTensor(images, config);
    const [a, b] = [applyClassifier(params, windows, config), applyClassifier(params, windows, config)];
    expect(a.logits.dataSync()).toEqual(b.logits.dataSync());
    expect(a.features.shape).toEqual([96, 6]);
    expect(a.spatial.shape).toEqual([96, 16, 2]);
  });
});

describe('refusals', () => {
  test('images and labels that do not fit', async () => {
    expect(() => labelledImages(images, [1, 2])).toThrow('labels: expected 96, one an image, got 2');
    const wide = { ...data, width: 9 };
    await expect(trainClassifier({ ...base, data: wide })).rejects.toThrow(
      'data: expected images of [8, 8, 1], got [8, 9, 1]',
    );
    await expect(trainClassifier({ ...base, steps: 0 })).rejects.toThrow(
      'steps: expected an integer of at least 1, got 0',
    );
    const params = initClassifier(createGenerator(7), config);
    const other = { ...images, height: 4, width: 16 };
    await expect(classifierExtractor(params, config).extract(other)).rejects.toThrow(
      'images: expected [N, 8, 8, 1], got [96, 4, 16, 1]',
    );
    disposeParams(params);
  });

  test.each<[object, string]>([
    [{ classes: 1 }, 'classes: expected an integer of at least 2, got 1'],
    [{ window: 1 }, 'window: expected an integer of at least 2, got 1'],
    [{ window: 5 }, 'window: expected stride 2 plus an even number, got 5'],
    [{ spatialChannels: 9 }, 'spatialChannels: expected at most hidden[0] = 6, got 9'],
    [{ dropout: 0.5 }, 'classifier: expected only stride, window, hidden, depth, features, spatialChannels, height'],
    [{ depth: [1, -1] }, 'depth[1]: expected an integer of at least 0, got -1'],
  ])('config %o', (change, message) => {
    expect(() => classifierConfig({ ...config, ...change })).toThrow(message);
  });
});
