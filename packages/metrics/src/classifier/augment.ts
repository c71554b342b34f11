import { type Generator, randomIntegers } from '@learngene/random';
import { checkImages, checkInteger } from '../check';
import type { ImageBatch } from '../types';

/** Random changes to training images, drawn for every image. */
export interface AugmentOptions {
  /** Largest shift in pixels along each axis, the border repeated (default 1; 0 for none). */
  readonly shift?: number;
  /** Whether half of the images are mirrored left to right (default true). */
  readonly flip?: boolean;
}

/** Makes shifted and mirrored copies of the images. `g` moves on by three draws per image. */
export function augmentImages(
  images: ImageBatch,
  g: Generator,
  { shift = 1, flip = true }: AugmentOptions = {},
): ImageBatch {
  checkImages('images', images);
  checkInteger('shift', shift, 0);
  const { data, count, height, width, channels } = images;
  const out = new Uint8Array(data.length);
  for (let n = 0; n < count; n++) {
    const [dy, dx] = randomIntegers(g, 2, { low: -shift, high: shift + 1 });
    const mirrored = randomIntegers(g, 1, { high: 2 })[0] === 1 && flip;
    for (let y = 0; y < height; y++) {
      const row = (n * height + Math.min(height - 1, Math.max(0, y + dy))) * width;
      for (let x = 0; x < width; x++) {
        const column = Math.min(width - 1, Math.max(0, (mirrored ? width - 1 - x : x) + dx));
        const target = ((n * height + y) * width + x) * channels;
        for (let c = 0; c < channels; c++) out[target + c] = data[(row + column) * channels + c];
      }
    }
  }
  return { data: out, count, height, width, channels };
}
