import type { ImageDataset } from '@learngene/datasets';
import { type LoadedAutoencoder, noProgress, type Progress, type RecipeAutoencoder } from '@learngene/pipeline';
import { encodeImages, latentShape, type Shape } from './encode';
import { latentRows, scaledRows, viewNumber, withLatents } from './rows';

/** How {@link encodeDataset} encodes. */
export interface EncodeDatasetOptions {
  /** Whether mirrored images are encoded too. */
  mirrored: boolean;
  /** Scale and shift of the latents that the network sees. */
  recipe: Pick<RecipeAutoencoder, 'scalingFactor' | 'shiftFactor'>;
  /** Images that are encoded at a time (default 32). */
  batchSize?: number;
  /** Takes a bar. */
  progress?: Progress;
  /** Stops between two batches. */
  signal?: AbortSignal;
}

/**
 * Encodes the images of a dataset once, and keeps the means of their latents in memory.
 *
 * @returns the dataset with latents as the network sees them
 * @throws Error for latents that are NaN or infinite, the signal's reason on abort
 */
export async function encodeDataset(
  dataset: ImageDataset,
  { autoencoder }: Pick<LoadedAutoencoder, 'autoencoder'>,
  options: EncodeDatasetOptions,
): Promise<ImageDataset> {
  const { mirrored, recipe, batchSize = 32, progress = noProgress, signal } = options;
  const { size, height, width, channels } = dataset;
  const images: Shape = [height, width, channels];
  const shape = latentShape(autoencoder, images);
  const numbers = shape[0] * shape[1] * shape[2];
  const views = Array.from({ length: mirrored ? 2 : 1 }, () => new Float32Array(size * numbers));
  const bar = progress.startBar('Encoding images', size, 'images');
  try {
    for (let start = 0; start < size; start += batchSize) {
      signal?.throwIfAborted();
      const end = Math.min(size, start + batchSize);
      const pixels = await dataset.read(Array.from({ length: end - start }, (_, i) => start + i));
      for (const [flip, rows] of views.entries()) {
        const encoded = await encodeImages(autoencoder, pixels, { shape: images, mirror: flip === 1, moments: 'mean' });
        rows.set(encoded, start * numbers);
      }
      bar.update(end);
    }
  } finally {
    bar.stop();
  }
  const rows = latentRows({
    shape,
    size,
    crops: 1,
    mirrored,
    hasDeviation: false,
    copy(index, view, target, offset) {
      target.set(views[viewNumber(0, view, 1)].subarray(index * numbers, (index + 1) * numbers), offset);
    },
  });
  return withLatents(dataset, scaledRows(rows, recipe));
}
