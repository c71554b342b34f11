import type { Denoiser } from '@learngene/diffusion';
import { type Generator, normal } from '@learngene/random';
import type { Images } from '@learngene/report';
import * as tf from '@tensorflow/tfjs-core';
import type { Sampling } from '../config/schema';
import type { DiffusionProcess } from '../recipe/diffusion-process';
import { checkFinite, watchFinite } from './finite-pixels';
import { runSampler } from './samplers';

/** Progress of {@link sampleImages} after a step of the sampler. */
export interface SampleStep {
  /** Steps that are done, 1 to `steps`, over all batches. */
  readonly step: number;
  /** Steps in all. */
  readonly steps: number;
}

/**
 * Turns latents [N, h, w, c] into images [N, H, W, C] in [-1, 1], e.g. an autoencoder's decoder. The result is disposed
 * after it is read, and so are the latents.
 */
export type Decode = (latents: tf.Tensor4D) => tf.Tensor4D | Promise<tf.Tensor4D>;

/** What {@link sampleImages} samples. */
export interface SampleImagesOptions {
  /** Number of images. */
  readonly count: number;
  /** Height, width and channels of what the network denoises. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Which sampler, and how. */
  readonly sampling: Sampling;
  /** Images at a time; the last batch may be smaller. */
  readonly batchSize: number;
  /** The guided network of the images from `start` up to and without `end`. */
  readonly denoiser: (start: number, end: number) => Denoiser;
  /** The stream of the noise of the batch that begins with image `start`; the same one for all batches, or one a batch. */
  readonly generator: (start: number) => Generator;
  /** What happens with NaN or infinite pixels: an error ('refuse', default), or a black pixel without a message. */
  readonly nonFinite?: 'refuse' | 'black';
  /** From latents to images; without it the network denoises images. */
  readonly decode?: Decode;
  /** Called after every step of the sampler; it is waited for. */
  readonly onStep?: (step: SampleStep) => void | Promise<void>;
  /** Stops before the next step, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Samples images batch by batch: noise, guided network, sampler, decoder, bytes. All samples of the project are made here.
 *
 * @returns uint8 NHWC: -1 is 0 and 1 is 255, rounded to nearest.
 * @throws NonFinitePixelsError that names the batch where a pixel is NaN or infinite; the signal's reason on abort
 */
export async function sampleImages(process: DiffusionProcess, options: SampleImagesOptions): Promise<Images> {
  const { count, shape, batchSize, sampling, onStep, signal } = options;
  const batches = Math.ceil(count / batchSize);
  const steps = batches * sampling.steps;
  let images: Images | undefined;
  for (let batch = 0; batch < batches; batch++) {
    await nextTask(); // Some engines work in microtasks alone: without a turn, a signal is never heard.
    signal?.throwIfAborted();
    const start = batch * batchSize;
    const part = await sampleBatch(process, options, {
      start,
      end: Math.min(count, start + batchSize),
      name: `batch ${batch + 1} of ${batches}`,
      onStep: ({ step }) => onStep?.({ step: batch * sampling.steps + step + 1, steps }),
    });
    const [, height, width, channels] = part.shape;
    images ??= { data: new Uint8Array(count * height * width * channels), count, height, width, channels };
    images.data.set(part.bytes, start * height * width * channels);
  }
  const [height, width, channels] = shape;
  return images ?? { data: new Uint8Array(0), count, height, width, channels };
}

interface Batch {
  start: number;
  end: number;
  name: string;
  onStep: (event: { step: number }) => void | Promise<void>;
}

/** The bytes of one batch, and their shape [N, H, W, C]. */
async function sampleBatch(process: DiffusionProcess, options: SampleImagesOptions, batch: Batch) {
  const { shape, sampling, nonFinite = 'refuse', decode, signal } = options;
  const { start, end, name, onStep } = batch;
  const count = end - start;
  const generator = options.generator(start);
  const noise = tf.tensor4d(normal(generator, count * shape[0] * shape[1] * shape[2]), [count, ...shape]);
  const denoiser = options.denoiser(start, end);
  const watch = nonFinite === 'refuse' ? watchFinite(denoiser) : undefined;
  let sampled: tf.Tensor4D | undefined;
  let decoded: tf.Tensor4D | undefined;
  try {
    sampled = await runSampler(process, watch?.watched ?? denoiser, { noise, generator, sampling, signal, onStep });
    decoded = decode === undefined ? sampled : await decode(sampled);
    const values = (await decoded.data()) as Float32Array;
    if (watch !== undefined) for (const part of [await watch.read(), values]) checkFinite(part, name, sampling);
    return { bytes: toBytes(values), shape: decoded.shape };
  } finally {
    watch?.dispose();
    tf.dispose([noise, sampled, decoded].filter((tensor) => tensor !== undefined));
  }
}

/** Pixels in [-1, 1] as bytes, rounded to nearest: the inverse of how training data is read. */
function toBytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (v) => Math.min(255, Math.max(0, Math.round((v + 1) * 127.5))));
}

/** Waits for the next turn of the event loop. setImmediate exists only in Node. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
