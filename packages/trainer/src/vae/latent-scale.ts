import type { ImageDataset } from '@learngene/datasets';
import { subset } from '@learngene/datasets';
import { imagesInOrder } from '../batches/autoencoder-batches';
import type { AutoencoderLearner } from '../contracts/autoencoder';

/** Most images that the scale is measured on. */
const MOST = 1024;

/** What makes the latents of a set of images have mean 0 and standard deviation 1. */
export interface LatentScale {
  /** See `scaleLatents` of `@learngene/vae`. */
  readonly scalingFactor: number;
  /** See `scaleLatents`. */
  readonly shiftFactor: number;
}

/** Measures the mean and the standard deviation of the latents of at most 1,024 images, spread evenly. */
export async function measureLatentScale(learner: AutoencoderLearner, images: ImageDataset): Promise<LatentScale> {
  const count = Math.min(MOST, images.size);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * images.size) / count));
  let sum = 0;
  let squares = 0;
  let size = 0;
  for await (const batch of imagesInOrder(subset(images, chosen), learner.model().config)) {
    const latents = learner.encode(batch.images);
    const values = await latents.data();
    latents.dispose();
    for (const value of values) {
      sum += value;
      squares += value * value;
    }
    size += values.length;
  }
  const mean = sum / size;
  const std = Math.sqrt(squares / size - mean * mean);
  if (!(std > 0)) throw new Error(`latents: expected different ones, got a standard deviation of ${std}`);
  return { scalingFactor: Math.fround(1 / std), shiftFactor: Math.fround(mean) };
}
