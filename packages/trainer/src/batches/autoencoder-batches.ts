import { type BatchState, createBatches, type ImageDataset, readInOrder } from '@learngene/datasets';
import { createGenerator, normal, stream } from '@learngene/random';
import { type VaeConfig, vaeDownscale } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import type { AutoencoderBatch } from '../contracts/autoencoder';
import type { BatchMaker } from '../contracts/batch-maker';
import { type Augmentation, augment } from './augment';
import { toUnit } from './diffusion-batch';

/** What {@link autoencoderBatches} makes its batches of. */
export interface AutoencoderBatchesOptions {
  /** Images to train on. */
  data: ImageDataset;
  /** The autoencoder, which decides the shape of the noise. */
  config: VaeConfig;
  /** Images of a batch; all images where there are fewer. */
  batchSize: number;
  /** Whether images are mirrored at random. */
  flip: boolean;
  /** How else they are varied. */
  augmentation: Augmentation;
  /** Seed of order, flips, augmentation and noise. */
  seed: number;
  /** Where the order of the images goes on: what `state` returned. */
  state?: BatchState;
}

/**
 * The batches of an autoencoder. Augmentation and noise of a step come from a stream of its own, so that they depend on the
 * seed and the step alone.
 */
export function autoencoderBatches(options: AutoencoderBatchesOptions): BatchMaker<AutoencoderBatch> {
  const { data, config, flip, augmentation, seed, state } = options;
  const shape = [data.height, data.width, data.channels] as const;
  const batchSize = Math.min(options.batchSize, data.size);
  const order = Number(stream(createGenerator(seed), 'autoencoder/images').seed);
  const images = createBatches(data, { batchSize, flip, seed: order, state, prefetch: 2 });
  return {
    batchSize,
    async next(step) {
      const drawn = await images.next();
      const generator = stream(createGenerator(seed), `autoencoder/${step}`);
      augment(drawn.images, { shape, augmentation, generator });
      const latents = latentShape(data, config, drawn.labels.length);
      const noise = normal(
        generator,
        latents.reduce((product, side) => product * side, 1),
      );
      return {
        images: tf.tensor4d(toUnit(drawn.images), [drawn.labels.length, ...shape]),
        noise: tf.tensor4d(noise, latents),
      };
    },
    release: ({ images: pixels, noise }) => tf.dispose([pixels, noise]),
    state: () => images.state(),
    close: () => images.close(),
  };
}

/** The images of a dataset in its order, without noise; each batch is freed when the next is asked for. */
export async function* imagesInOrder(
  data: ImageDataset,
  config: VaeConfig,
  batchSize = 64,
): AsyncGenerator<AutoencoderBatch> {
  for await (const batch of readInOrder(data, { batchSize })) {
    const count = batch.labels.length;
    const images = tf.tensor4d(toUnit(batch.images), [count, data.height, data.width, data.channels]);
    const noise = tf.zeros(latentShape(data, config, count)) as tf.Tensor4D;
    try {
      yield { images, noise };
    } finally {
      tf.dispose([images, noise]);
    }
  }
}

function latentShape(
  { height, width }: ImageDataset,
  config: VaeConfig,
  count: number,
): [number, number, number, number] {
  const factor = vaeDownscale(config);
  return [count, height / factor, width / factor, config.latentChannels];
}
