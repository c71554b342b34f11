import { setImmediate } from 'node:timers/promises';
import { type Denoiser, guideDenoiser } from '@learngene/diffusion';
import { applyDit } from '@learngene/dit';
import { applyKind, type DenseModel, type KindModel } from '@learngene/kind';
import { createGenerator, normal, stream } from '@learngene/random';
import type { Images } from '@learngene/report';
import * as tf from '@tensorflow/tfjs-core';
import type { Config } from '../config/schema';
import type { DrawnModel } from '../node/drawable';
import type { Process } from '../process';
import type { Progress } from '../progress';
import { runSampler } from './samplers';

/** What {@link drawPictures} draws. */
export interface DrawOptions {
  /** The class of every picture. */
  labels: Int32Array;
  /** Sampler, steps, guidance. */
  sampling: Config['sampling'];
  /** Seed of the noise. */
  seed: number;
  /** Pictures at a time (default 32). */
  batchSize?: number;
  /** Where progress is shown. */
  output: Progress;
  /** Words beside the progress bar. */
  title?: string;
  /** Stops before the next step. */
  signal?: AbortSignal;
}

/** A dense network of some labels, guided against the null label. */
function guidedDense({ params, config }: DenseModel, labels: Int32Array, guidance: number): Denoiser {
  const doubled = Int32Array.from([...labels, ...new Int32Array(labels.length).fill(config.classes)]);
  const conditional: Denoiser = (x, t) => applyDit(params, { x, t, labels }, { config });
  const batched: Denoiser = (x, t) => applyDit(params, { x, t, labels: doubled }, { config });
  return guideDenoiser({ batched, conditional }, { scale: guidance });
}

/** The network of some labels, guided against the null label. */
function guidedDenoiser(model: DrawnModel, labels: Int32Array, guidance: number): Denoiser {
  if (!('dit' in model.config)) return guidedDense(model as DenseModel, labels, guidance);
  const { params, config } = model as KindModel;
  const count = labels.length;
  const conditional: Denoiser = (x, t) => applyKind(params, { x, t, labels }, { config });
  const ownClass = config.nullGate === 'own-class';
  const nullLabels = new Int32Array(count).fill(config.dit.classes);
  const doubled = Int32Array.from([...labels, ...(ownClass ? labels : nullLabels)]);
  const dropped = ownClass ? doubled.map((_, i) => (i < count ? 0 : 1)) : undefined;
  const batched: Denoiser = (x, t) => applyKind(params, { x, t, labels: doubled }, { config, dropped });
  return guideDenoiser({ batched, conditional }, { scale: guidance });
}

/** Pixels that are no numbers came out of a network. */
export class NonFinitePixelsError extends Error {
  override name = 'NonFinitePixelsError';
}

/** Throws where a value is NaN or infinite, and says where to look. */
function checkFinite(values: ArrayLike<number>, batch: string, { guidance }: Config['sampling']): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new NonFinitePixelsError(
      `drawing ${batch}: expected finite pixels, got ${values[i]}; look for NaN or huge values in the model's weights, and at the guidance, ${guidance}`,
    );
  }
}

/**
 * A network that remembers whether all it gave was finite: the clip of some engines turns NaN into a bound, so that the
 * pixels alone do not tell.
 */
function watchFinite(denoiser: Denoiser) {
  let sum: tf.Tensor = tf.keep(tf.scalar(0)); // NaN or infinity times 0 is NaN, and stays in the sum
  const watched: Denoiser = (x, t) => {
    const out = denoiser(x, t);
    const next = tf.keep(tf.tidy(() => tf.add(sum, tf.sum(tf.mul(out, 0)))));
    sum.dispose();
    sum = next;
    return out;
  };
  return { watched, read: async () => sum.data(), dispose: () => sum.dispose() };
}

/** Finite pixels in [-1, 1] as bytes, rounded to nearest: the inverse of how training data is read. */
function toBytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (v) => Math.min(255, Math.max(0, Math.round((v + 1) * 127.5))));
}

/** Bytes of one image that a network draws. */
export function imageBytes({ inputSize, inChannels }: KindModel['config']['dit']): number {
  return inputSize * inputSize * inChannels;
}

/**
 * Draws pictures of classes; the noise depends on the seed and the place of a picture alone.
 *
 * @throws NonFinitePixelsError naming the batch where a pixel is NaN or infinite
 */
export async function drawPictures(model: DrawnModel, process: Process, options: DrawOptions): Promise<Images> {
  const { labels, sampling, seed, batchSize = 32, output, title = 'Sampling', signal } = options;
  const dit = 'dit' in model.config ? model.config.dit : model.config;
  const { inputSize, inChannels } = dit;
  const pixels = imageBytes(dit);
  const data = new Uint8Array(labels.length * pixels);
  const generator = stream(createGenerator(seed), 'sampling');
  const batches = Math.ceil(labels.length / batchSize);
  const bar = output.startBar(title, batches * sampling.steps, 'steps');
  try {
    for (let batch = 0; batch < batches; batch++) {
      await setImmediate(); // Some engines work in microtasks alone: without a turn, a signal is never heard.
      signal?.throwIfAborted();
      const own = labels.subarray(batch * batchSize, (batch + 1) * batchSize);
      const shape: [number, number, number, number] = [own.length, inputSize, inputSize, inChannels];
      const noise = tf.tensor4d(normal(generator, own.length * pixels), shape);
      const { watched, read, dispose } = watchFinite(guidedDenoiser(model, own, sampling.guidance));
      try {
        const images = await runSampler(process, watched, {
          noise,
          generator,
          sampling,
          signal,
          onStep: ({ step }) => bar.update(batch * sampling.steps + step + 1),
        });
        const values = (await images.data()) as Float32Array;
        images.dispose();
        for (const part of [await read(), values]) checkFinite(part, `batch ${batch + 1} of ${batches}`, sampling);
        data.set(toBytes(values), batch * batchSize * pixels);
      } finally {
        dispose();
        noise.dispose();
      }
    }
  } finally {
    bar.stop();
  }
  return { data, count: labels.length, height: inputSize, width: inputSize, channels: inChannels };
}
