import { createGenerator, randomIntegers, stream } from '@learngene/random';

/** The size of an image that is cropped. */
export interface CropSource {
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** Channels. */
  readonly channels: number;
}

/** Which crop is taken. */
export interface CropChoice {
  /** Height of the crop. */
  readonly height: number;
  /** Width of the crop. */
  readonly width: number;
  /** Seed of its place. */
  readonly seed: number;
  /** Number of the image. */
  readonly index: number;
  /** Number of the crop. */
  readonly crop: number;
}

/** Images are enlarged by this before they are cropped, rounded up to whole pixels. */
const CROP_MARGIN = 9 / 8;

/** Pixels a side of the images that crops are taken from. */
export function cropSourceSize(size: number): number {
  return Math.ceil(size * CROP_MARGIN);
}

/** A crop of one image, uint8 [height, width, channels]; its place depends on seed, image and crop alone. */
export function cropOf(image: Uint8Array, source: CropSource, choice: CropChoice): Uint8Array {
  const { height, width, seed, index, crop } = choice;
  const generator = stream(createGenerator(seed), `crop/${index}/${crop}`);
  const [top] = randomIntegers(generator, 1, { high: source.height - height + 1 });
  const [left] = randomIntegers(generator, 1, { high: source.width - width + 1 });
  const row = width * source.channels;
  const cropped = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * source.width + left) * source.channels;
    cropped.set(image.subarray(start, start + row), y * row);
  }
  return cropped;
}
