import { fileURLToPath } from 'node:url';
import { disposeParams, flattenParams } from '@learngene/nn';
import { type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { readNpz } from '@learngene/tensor-io/node';
import { relativeError, useTestBackend } from '@learngene/testing';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patternImages, randomState } from '../../test/random-inception';
import type { InceptionResize } from '../protocols';
import { applyInception, inceptionLogits } from './apply';
import { inceptionExtractor } from './extractor';
import { type InceptionParams, inceptionParams } from './params';
import { inceptionInput } from './resize';

let fixture: NamedTensors;
let params: InceptionParams;
const state = randomState();
const expected = (name: string) => toFloat32(fixture.get(name) as TensorData);

beforeAll(async () => {
  fixture = await readNpz(fileURLToPath(new URL('../../fixtures/inception.npz', import.meta.url)));
  await useTestBackend();
  params = inceptionParams('weights.pth', state);
}, 60_000);

afterAll(() => disposeParams(params));

/** Largest difference relative to the norm of the reference, as the parity of 1e-4 is meant. */
const parity = async (tensor: Tensor, name: string) =>
  expect(relativeError(Float32Array.from(await tensor.data()), expected(name)), name).toBeLessThan(1e-5);

describe('Inception v3 on random weights', () => {
  test('is the network of pytorch-fid', { timeout: 120_000 }, async () => {
    const images = patternImages(1, 75, 75);
    const pixels = Float32Array.from(images.data, (value) => (value - 128) / 128);
    const before = tf.memory().numTensors;
    const x = tf.tensor4d(pixels, [1, 75, 75, 3]);
    const { pool3, spatial } = applyInception(params, x);
    const [logits, biased] = [false, true].map((bias) => inceptionLogits(params, pool3, { bias }));
    await parity(pool3, 'narrow.pool3');
    await parity(spatial, 'narrow.spatial');
    await parity(logits, 'narrow.logits_unbiased');
    await parity(biased, 'narrow.logits');
    tf.dispose([x, pool3, spatial, logits, biased]);
    expect(tf.memory().numTensors).toBe(before);
  });

  // In plain JavaScript an image of 299 x 299 takes a minute; the smaller one above is the same network.
  test.skipIf((process.env.LEARNGENE_TEST_BACKEND ?? 'cpu') === 'cpu')(
    'extracts what torch-fidelity extracts of uint8 images, in chunks as at once',
    { timeout: 120_000 },
    async () => {
      const images = patternImages(2, 20, 33);
      const before = tf.memory().numTensors;
      const extractor = inceptionExtractor(params, { chunk: 1 });
      const { features, spatial, logits } = await extractor.extract(images);
      expect(relativeError(features, expected('full.pool3'))).toBeLessThan(1e-5);
      expect(relativeError(spatial as Float32Array, expected('full.spatial'))).toBeLessThan(1e-5);
      expect(relativeError(logits as Float32Array, expected('full.logits_unbiased'))).toBeLessThan(1e-5);
      expect([extractor.dims, extractor.spatialDims, extractor.classes]).toEqual([2048, 2023, 1008]);
      const together = await inceptionExtractor(params).extract(images);
      expect(relativeError(together.features, features)).toBeLessThan(1e-6);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

describe('resizing', () => {
  const sizes: Record<string, [number, number]> = { small: [20, 33], wide: [310, 400], same: [299, 299] };
  const every29th = (x: Float32Array) =>
    x.filter((_, i) => (Math.floor(i / 3) % 299) % 29 === 0 && Math.floor(i / (3 * 299)) % 29 === 0);
  const bounds: Record<InceptionResize, number> = { tensorflow: 0, torch: 5e-7, pillow: 0 };
  test.each(Object.keys(sizes))('of %s images gives the bits of torch-fidelity and clean-fid', (size) => {
    for (const resize of ['tensorflow', 'torch', 'pillow'] as const) {
      const found = every29th(inceptionInput(patternImages(1, ...sizes[size]), resize));
      const reference = expected(`${size}.${resize}`);
      expect(found.length).toBe(reference.length);
      const worst = reference.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
      expect(worst, resize).toBeLessThanOrEqual(bounds[resize]);
    }
  });

  test('refuses images of one channel, and names what it does not know', async () => {
    const grey = { data: new Uint8Array(4), count: 1, height: 2, width: 2, channels: 1 };
    expect(() => inceptionInput(grey, 'tensorflow')).toThrow('images: expected 3 channels (RGB), got 1');
    expect(() => inceptionInput(patternImages(1, 2, 2), 'area' as 'torch')).toThrow('got "area"');
    expect(() => inceptionExtractor(params, { protocol: 'fid' as 'adm' })).toThrow('protocol: expected adm, torch-fid');
    expect(() => inceptionExtractor(params, { chunks: 1 } as object)).toThrow("got 'chunks'");
  });
});

describe('inceptionParams', () => {
  const changed = (change: (tensors: Map<string, TensorData>) => void) => {
    const tensors = new Map(state);
    change(tensors);
    return () => inceptionParams('weights.pth', tensors);
  };
  const f32 = (shape: number[], value = 0): TensorData => ({
    dtype: 'F32',
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });

  test('has 94 convolutions and the classifier, 23.9 million numbers', () => {
    // torchvision's 23,834,568 of 1000 classes, without the scale of each channel, and 8 classes more.
    const numbers = 23_834_568 - 17_216 + 8 * 2049;
    const leaves = flattenParams(params);
    expect(leaves.size).toBe(2 * 94 + 2);
    expect([...leaves.values()].reduce((sum, { size }) => sum + size, 0)).toBe(numbers);
  });

  test('names what does not fit', () => {
    const refusals: [() => unknown, string][] = [
      [changed((t) => t.delete('fc.bias')), 'fc.bias: missing'],
      [changed((t) => t.set('fc.weight', f32([1000, 2048]))), 'fc.weight: expected [1008, 2048], got [1000, 2048]'],
      [changed((t) => t.set('AuxLogits.conv0.conv.weight', f32([1]))), 'AuxLogits.conv0.conv.weight: not a tensor of'],
      [changed((t) => t.set('fc.bias', f32([1008], Number.NaN))), 'fc.bias: expected finite values, got NaN'],
      [
        changed((t) => t.set('Conv2d_1a_3x3.bn.running_var', f32([32], -1))),
        'Conv2d_1a_3x3.bn.running_var: expected variances of at least 0, got -1',
      ],
    ];
    for (const [run, message] of refusals) {
      expect(run).toThrow('weights.pth: expected the Inception v3 of FID (2015-12-05, 1008 classes): ');
      expect(run).toThrow(message);
    }
  });
});
