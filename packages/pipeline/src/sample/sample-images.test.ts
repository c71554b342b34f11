import type { Denoiser } from '@learngene/diffusion';
import { createGenerator, stream } from '@learngene/random';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../config/load';
import { createDiffusionProcess } from '../recipe/diffusion-process';
import { type SampleImagesOptions, sampleImages } from './sample-images';

const config = parseConfig(
  { diffusion: { timesteps: 10 }, sampling: { sampler: 'ddim', steps: 3, guidance: 1 } },
  'test',
);
const process = createDiffusionProcess(config);

/** A network that predicts an image of one value for every sample: what comes out is that value, whatever the noise. */
function constant(values: readonly number[]): Denoiser {
  return (x) => tf.tidy(() => tf.add(tf.mul(x, 0), tf.reshape(tf.tensor1d([...values]), [-1, 1, 1, 1])));
}

/** A network of which the noise shows in what comes out. */
const half: Denoiser = (x) => tf.mul(x, 0.5);

function options(own: Partial<SampleImagesOptions> = {}): SampleImagesOptions {
  const generator = createGenerator(1);
  return {
    count: 3,
    shape: [2, 2, 1],
    sampling: config.sampling,
    batchSize: 2,
    denoiser: () => half,
    generator: () => generator,
    ...own,
  };
}

beforeAll(() => tf.setBackend('cpu'));

test('-1 is 0, 1 is 255, values between are rounded to nearest, every batch is in its place', async () => {
  const values = [-1, 1, 0.5 / 127.5];
  const denoiser = (start: number, end: number) => constant(values.slice(start, end));
  const images = await sampleImages(process, options({ denoiser }));
  expect(images).toMatchObject({ count: 3, height: 2, width: 2, channels: 1 });
  expect([...images.data]).toEqual([0, 0, 0, 0, 255, 255, 255, 255, 128, 128, 128, 128]);
});

test('the noise comes from the streams that the caller gives: one for all batches, or one a batch', async () => {
  const all = createGenerator(7);
  const inOne = await sampleImages(process, options({ generator: () => all }));
  const perBatch = (start: number) => stream(createGenerator(7), `batch/${start}`);
  const inParts = await sampleImages(process, options({ generator: perBatch }));
  const second = await sampleImages(process, options({ count: 1, generator: () => perBatch(2) }));
  const again = createGenerator(7);
  expect(await sampleImages(process, options({ generator: () => again }))).toEqual(inOne);
  expect(inParts.data).not.toEqual(inOne.data);
  expect(inParts.data.slice(8)).toEqual(second.data);
});

test('steps are counted over all batches', async () => {
  const steps: string[] = [];
  await sampleImages(process, options({ onStep: ({ step, steps: all }) => void steps.push(`${step}/${all}`) }));
  expect(steps).toEqual(['1/6', '2/6', '3/6', '4/6', '5/6', '6/6']);
});

test('pixels that are no numbers are refused, or black where the caller says so', async () => {
  const denoiser = (start: number) => (start === 0 ? half : constant([Number.NaN]));
  await expect(sampleImages(process, options({ denoiser }))).rejects.toThrow(/batch 2 of 2: expected finite pixels/);
  const images = await sampleImages(process, options({ denoiser, nonFinite: 'black' }));
  expect([...images.data.slice(8)]).toEqual([0, 0, 0, 0]);
});

test('a decoder makes the images, of its own size', async () => {
  const decode = (latents: tf.Tensor4D) =>
    tf.tidy(() =>
      tf.concat(
        [1, 1, 1].map(() =>
          tf.mirrorPad(
            tf.clipByValue(latents, -1, 1),
            [
              [0, 0],
              [1, 1],
              [0, 0],
              [0, 0],
            ],
            'symmetric',
          ),
        ),
        3,
      ),
    ) as tf.Tensor4D;
  const denoiser = (start: number, end: number) => constant([-1, 1, 0].slice(start, end));
  const images = await sampleImages(process, options({ denoiser, decode }));
  expect(images).toMatchObject({ count: 3, height: 4, width: 2, channels: 3 });
  expect([0, 24, 48].map((at) => images.data[at])).toEqual([0, 255, 128]);
});

test('nothing stays in memory: after a whole run, an abort, an error of the network and one of the decoder', async () => {
  const before = tf.memory().numTensors;
  await sampleImages(process, options());
  await sampleImages(process, options({ decode: (latents) => latents }));
  const controller = new AbortController();
  const stopped = { signal: controller.signal, onStep: () => controller.abort(new Error('enough')) };
  await expect(sampleImages(process, options(stopped))).rejects.toThrow('enough');
  const fails = () => {
    throw new Error('no network');
  };
  await expect(sampleImages(process, options({ denoiser: () => fails }))).rejects.toThrow('no network');
  await expect(sampleImages(process, options({ decode: fails }))).rejects.toThrow('no network');
  expect(tf.memory().numTensors).toBe(before);
});

test('an abort before the first step draws nothing', async () => {
  const generator = () => {
    throw new Error('noise was drawn');
  };
  const signal = AbortSignal.abort(new Error('too late'));
  await expect(sampleImages(process, options({ generator, signal }))).rejects.toThrow('too late');
});
