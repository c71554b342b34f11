import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classifierConfig, initClassifier } from '@learngene/metrics';
import { saveClassifier, writeSamples, writeStatistics } from '@learngene/metrics/node';
import { disposeParams } from '@learngene/nn';
import { ConfigError, noProgress } from '@learngene/pipeline';
import { createGenerator } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { type EvaluationRequest, prepareEvaluation } from './prepare-evaluation';

// A run on bars and dots, its bundle, and its images, in which there are flat ones too.
const fixtures = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const run = join(fixtures, 'train');
const images = join(fixtures, 'images.safetensors');
const work = temporaryFolder('evaluate');
const at = (name: string) => join(work, name);

beforeAll(async () => {
  await useTestBackend();
  for (const size of [8, 16]) {
    const data = new Uint8Array(4 * size * size * 3).map((_, i) => (i * 31) % 251);
    const labels = Int32Array.of(0, 1, 0, 1);
    const written = {
      images: { data, count: 4, height: size, width: size, channels: 3 },
      labels,
      classes: ['bars', 'dots'],
    };
    await writeSamples(at(`samples-${size}.npz`), written);
    const config = classifierConfig({ height: size, width: size, channels: 3, classes: 3, features: 8 });
    const params = initClassifier(createGenerator(1), config);
    await saveClassifier(at(`classifier-${size}.safetensors`), params, config, { classes: ['bars', 'dots', 'flat'] });
    disposeParams(params);
  }
  for (const dims of [8, 5]) {
    const covariance = new Float64Array(dims * dims).map((_, i) => (i % (dims + 1) === 0 ? 1 : 0));
    await writeStatistics(at(`statistics-${dims}.npz`), { features: { mean: new Float64Array(dims), covariance } });
  }
  const { tensors, metadata } = tinyImages({ size: 16 });
  await writeSafetensors(at('large-images.safetensors'), tensors, { metadata });
  const small = tinyImages();
  const labels = Int32Array.from((small.tensors.get('labels') as { data: Int32Array }).data, (label) =>
    Math.min(label, 1),
  );
  const named = { ...small.metadata, classes: JSON.stringify(['bars', 'flat']) };
  const two = new Map(small.tensors).set('labels', { dtype: 'I32', shape: [labels.length], data: labels });
  await writeSafetensors(at('bars-and-flat.safetensors'), two, { metadata: named });
  writeFileSync(at('notes.txt'), 'no images');
});

const data = (path: string) => ({ data: { source: 'packed', path } });

const prepare = (request: Partial<EvaluationRequest>) =>
  prepareEvaluation({
    metrics: ['fid'],
    requested: request.from === undefined && request.reference === undefined ? data(images) : {},
    source: 'options',
    dataGiven: false,
    label: (part) => `--${part}`,
    progress: noProgress,
    ...request,
  });

/** A run whose images are where they are here. */
const fromRun = { from: run, requested: data(images), dataGiven: true };

describe('prepareEvaluation', () => {
  test('of a run draws all its classes and compares them with its data, of which nothing is decoded', async () => {
    const { drawing, view, compared, config, samples, reference, classifier } = await prepare(fromRun);
    expect(drawing?.from.path).toBe(run);
    expect(drawing?.ids).toEqual([0, 1]);
    expect(compared).toEqual(['bars', 'dots']);
    expect(view).toMatchObject({ classes: ['bars', 'dots'], height: 8, width: 8, channels: 3 });
    expect(config.data).toMatchObject({ source: 'packed', path: images });
    expect([samples, reference]).toEqual([undefined, undefined]);
    expect(classifier).toEqual({ path: join(run, 'classifier.safetensors') });
  });

  test('keeps the recipe of the run under the sampling and the seed that are asked for', async () => {
    const requested = { ...data(images), sampling: { guidance: 7 }, seed: 11 };
    const asked = await prepare({ ...fromRun, requested });
    const kept = await prepare(fromRun);
    expect(asked.config.sampling).toEqual({ ...kept.config.sampling, guidance: 7 });
    expect([asked.config.seed, asked.config.diffusion]).toEqual([11, kept.config.diffusion]);
    expect(kept.config.sampling.guidance).not.toBe(7);
    expect(kept.config.seed).not.toBe(11);
  });

  test('draws and compares the classes that are named, while the classifier learns all of the model', async () => {
    const { drawing, view, compared } = await prepare({ ...fromRun, classes: ['dots'] });
    expect([drawing?.ids, compared, view?.classes]).toEqual([[1], ['dots'], ['bars', 'dots']]);
  });

  test('of samples in a file reads sizes and labels', async () => {
    const { samples, drawing, compared, view } = await prepare({
      samples: at('samples-8.npz'),
      classes: ['bars', 'flat'],
    });
    expect(samples).toMatchObject({ path: at('samples-8.npz'), count: 4, height: 8, width: 8, channels: 3 });
    expect([...(samples?.labels ?? [])]).toEqual([0, 1, 0, 1]);
    expect(samples?.classes).toEqual(['bars', 'dots']);
    expect([drawing, compared, view?.classes]).toEqual([undefined, ['bars', 'flat'], ['bars', 'flat']]);
  });

  test('of one class alone the classifier learns all classes of the data', async () => {
    const one = { samples: at('samples-8.npz'), classes: ['flat'] };
    expect((await prepare(one)).view?.classes).toEqual(['bars', 'dots', 'flat']);
    const trained = await prepare({ ...one, classifier: at('classifier-8.safetensors') });
    expect([trained.view?.classes, trained.compared]).toEqual([['flat'], ['flat']]);
    expect(trained.classifier.description?.classes).toEqual(['bars', 'dots', 'flat']);
  });

  test.each(['samples-8.npz', 'statistics-8.npz'])('with %s as the reference no data are needed', async (name) => {
    const classifier = at('classifier-8.safetensors');
    const prepared = await prepare({ samples: at('samples-8.npz'), reference: at(name), classifier });
    expect(prepared).toMatchObject({ reference: at(name), compared: [] });
    expect(prepared.view).toBeUndefined();
  });

  describe('of a model with a class that the data lack, such as a bundle that another class joined', () => {
    const few = { ...fromRun, requested: data(at('bars-and-flat.safetensors')) };

    test('the classes that are there can be compared', async () => {
      const { drawing, compared, view } = await prepare({ ...few, classes: ['bars'] });
      expect([drawing?.ids, compared]).toEqual([[0], ['bars']]);
      expect(view?.classes).toEqual(['bars', 'flat']); // of one class alone a classifier learns nothing
    });

    test.each<[string, Partial<EvaluationRequest>, RegExp]>([
      [
        'all classes',
        few,
        /^evaluate: .* has no images of "dots"; leave them out by --classes \("bars" are there\), or give --data that have them$/,
      ],
      ['the lacking one', { ...few, classes: ['dots'] }, /has no images of "dots"; give --data that have them$/],
    ])('%s are refused by name', async (_, request, message) => {
      await expect(prepare(request)).rejects.toThrow(ConfigError);
      await expect(prepare(request)).rejects.toThrow(message);
    });
  });

  const eight = { samples: at('samples-8.npz') };
  const kept = { ...eight, classifier: at('classifier-8.safetensors') };
  test.each<[string, Partial<EvaluationRequest>, RegExp]>([
    [
      'samples that are none',
      { samples: at('notes.txt') },
      /^--samples .*notes\.txt: expected an \.npz with arr_0, or an \.npy/,
    ],
    [
      'packed images as samples',
      { samples: images },
      /^--samples .*: expected an \.npz.*; give packed images by --data/,
    ],
    [
      'statistics as samples',
      { samples: at('statistics-8.npz') },
      /^--samples .*statistics-8\.npz: expected an \.npz with arr_0/,
    ],
    [
      'a reference that is none',
      { ...kept, reference: at('notes.txt') },
      /^--reference .*: expected an \.npz with arr_0, or with mu/,
    ],
    ['images as a classifier', { ...eight, classifier: images }, /^--classifier .*: expected a classifier of images/],
    [
      'samples of another size',
      { samples: at('samples-16.npz') },
      /^--samples .*: expected 8x8x3 as the data, got 16x16x3/,
    ],
    [
      'samples of another size than the classifier',
      { samples: at('samples-16.npz'), classifier: at('classifier-8.safetensors') },
      /^--samples .*: expected 8x8x3 as the classifier, got 16x16x3/,
    ],
    [
      'a model of another size than the classifier',
      { ...fromRun, classifier: at('classifier-16.safetensors') },
      /^--from .*: expected 16x16x3 as the classifier, got 8x8x3/,
    ],
    [
      'a reference of another size than the classifier',
      { ...kept, reference: at('samples-16.npz') },
      /^--reference .*: expected 8x8x3 as the classifier, got 16x16x3/,
    ],
    [
      'statistics of other features than the classifier',
      { ...kept, reference: at('statistics-5.npz') },
      /^--reference .*: expected statistics of 8 features as the classifier, got 5/,
    ],
    [
      'metrics that statistics do not give',
      { ...kept, reference: at('statistics-8.npz'), metrics: ['fid', 'kid', 'sfid'] },
      /^--reference .*: kid, sfid cannot be had of these statistics; give --metrics fid$/,
    ],
    [
      'a reference without a classifier',
      { ...eight, reference: at('samples-8.npz') },
      /without data, give --classifier/,
    ],
    [
      'data of another size than the model',
      { ...fromRun, requested: data(at('large-images.safetensors')) },
      /16x16x3|16 x 16/,
    ],
    ['an unknown class of the model', { ...fromRun, classes: ['bras'] }, /^--classes: the model has no class "bras"/],
    ['an unknown class of the data', { ...eight, classes: ['bras'] }, /no class "bras"/],
    ['nothing to compare with', { ...eight, requested: {} }, /nothing to compare with; give --data or --reference/],
    [
      'data of which nothing is held out',
      { ...eight, requested: { data: { source: 'packed', path: images, holdOut: 0 } } },
      /^data\.holdOut: nothing was held out to compare with; give --reference/,
    ],
  ])('refuses %s by name', async (_, request, message) => {
    await expect(prepare(request)).rejects.toThrow(ConfigError);
    await expect(prepare(request)).rejects.toThrow(message);
  });
});
