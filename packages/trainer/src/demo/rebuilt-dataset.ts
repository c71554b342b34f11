import type { ImageDataset } from '@learngene/datasets';
import type { Decode } from '@learngene/pipeline';
import * as tf from '@tensorflow/tfjs-core';

/** Images that are decoded at a time. */
const BATCH = 32;

/**
 * The images of a dataset as an autoencoder gives them back: read, they are decoded from their latents.
 *
 * @param dataset - with latents as the decoder takes them.
 * @param decode - to images of the dataset's size; it has to live as long as the result is read.
 * @throws Error for a dataset without latents
 */
export function rebuiltDataset(dataset: ImageDataset, decode: Decode): ImageDataset {
  const { latents, height, width, channels, name } = dataset;
  if (latents === undefined) throw new Error(`${name}: expected images with latents, got images alone`);
  const bytes = height * width * channels;
  return {
    ...dataset,
    async read(indices) {
      const data = new Uint8Array(indices.length * bytes);
      for (let start = 0; start < indices.length; start += BATCH) {
        const part = Array.from(indices).slice(start, start + BATCH);
        const straight = new Uint8Array(part.length);
        const rows = await latents.read(part, { crops: straight, flips: straight });
        const input = tf.tensor4d(rows, [part.length, latents.height, latents.width, latents.channels]);
        const decoded = await decode(input);
        data.set(
          Uint8ClampedArray.from(await decoded.data(), (value) => (value + 1) * 127.5),
          start * bytes,
        );
        tf.dispose([input, decoded]);
      }
      return data;
    },
  };
}
