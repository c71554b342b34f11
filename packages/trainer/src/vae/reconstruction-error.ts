import type { ImageDataset } from '@learngene/datasets';
import { decodeVae, encodeVae, type VaeConfig, type VaeParams } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { imagesInOrder } from '../batches/autoencoder-batches';
import { meanSquaredErrors } from '../objective/reconstruction';

/**
 * The mean squared error of every image after encoding and decoding, [size], pixels in [0, 1]; the latents are the posterior's
 * means.
 *
 * @param model Never disposed.
 */
export async function reconstructionErrors(
  { config, params }: { readonly config: VaeConfig; readonly params: VaeParams },
  images: ImageDataset,
): Promise<Float32Array> {
  const errors = new Float32Array(images.size);
  let done = 0;
  for await (const { images: batch } of imagesInOrder(images, config)) {
    const each = tf.tidy(() => {
      const rebuilt = decodeVae(params, encodeVae(params, batch, { config }).mean, { config });
      return meanSquaredErrors(batch, rebuilt);
    });
    errors.set(await each.data<'float32'>(), done);
    done += each.size;
    each.dispose();
  }
  return errors;
}
