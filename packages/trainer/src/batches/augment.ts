import { type Generator, randomIntegers, uniform } from '@learngene/random';

/** How images are varied in training, beside being mirrored. */
export interface Augmentation {
  /** Most pixels that an image is moved by, to any side; its edge is repeated (default 0). */
  readonly shift: number;
  /** How often the colour channels are put in another order, in [0, 1] (default 0). */
  readonly permuteChannels: number;
}

/** Height, width and channels of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** What {@link augment} varies images by. */
export interface AugmentOptions {
  /** Height, width and channels. */
  readonly shape: ImageShape;
  /** How far and how often. */
  readonly augmentation: Augmentation;
  /** Where the draws come from. */
  readonly generator: Generator;
}

/**
 * Moves images and permutes their colours at random, in place.
 *
 * @param images - uint8 [N, H, W, C]
 * @param generator - advanced by the same draws whatever comes out, so that a step depends on nothing else
 */
export function augment(images: Uint8Array, { shape, augmentation, generator }: AugmentOptions): void {
  const bytes = shape[0] * shape[1] * shape[2];
  const count = images.length / bytes;
  const { shift, permuteChannels } = augmentation;
  const moves = randomIntegers(generator, 2 * count, { low: -shift, high: shift + 1 });
  const chances = uniform(generator, count);
  const keys = uniform(generator, count * shape[2]);
  for (let i = 0; i < count; i++) {
    const image = images.subarray(i * bytes, (i + 1) * bytes);
    if (moves[2 * i] !== 0 || moves[2 * i + 1] !== 0) move(image, shape, [moves[2 * i], moves[2 * i + 1]]);
    if (chances[i] < permuteChannels) reorderChannels(image, keys.subarray(i * shape[2], (i + 1) * shape[2]));
  }
}

function move(
  image: Uint8Array,
  [height, width, channels]: ImageShape,
  [down, right]: readonly [number, number],
): void {
  const from = image.slice();
  const inside = (at: number, size: number) => Math.min(size - 1, Math.max(0, at));
  for (let y = 0; y < height; y++) {
    const row = inside(y - down, height) * width;
    for (let x = 0; x < width; x++) {
      const source = (row + inside(x - right, width)) * channels;
      for (let c = 0; c < channels; c++) image[(y * width + x) * channels + c] = from[source + c];
    }
  }
}

/** Puts the channels in the order in which their keys rise. */
function reorderChannels(image: Uint8Array, keys: Float32Array): void {
  const channels = keys.length;
  const order = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
  const pixel = new Uint8Array(channels);
  for (let at = 0; at < image.length; at += channels) {
    for (let c = 0; c < channels; c++) pixel[c] = image[at + order[c]];
    image.set(pixel, at);
  }
}
