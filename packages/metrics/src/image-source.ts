import { checkImages, checkInteger } from './check';
import type { ImageBatch } from './types';

/** Images that are read a batch at a time. */
export interface ImageSource {
  /** Number of images. */
  readonly count: number;
  /** Images start ... end - 1. */
  read(start: number, end: number): Promise<ImageBatch>;
}

/** Makes an {@link ImageSource} over a batch in memory; it returns views. */
export function imageSource(images: ImageBatch): ImageSource {
  checkImages('images', images);
  const { data, count, height, width, channels } = images;
  const size = height * width * channels;
  return {
    count,
    async read(start, end) {
      return { data: data.subarray(start * size, end * size), count: end - start, height, width, channels };
    },
  };
}

/** What {@link datasetSource} reads: an `ImageDataset` of `@learngene/datasets` is one. */
export interface IndexedImages {
  /** Number of images. */
  readonly size: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** uint8 [n, H, W, C] of the given images. */
  read(indices: ArrayLike<number>): Promise<Uint8Array>;
}

/** Makes an {@link ImageSource} over a dataset, in its order or in that of `indices`. */
export function datasetSource(dataset: IndexedImages, indices?: ArrayLike<number>): ImageSource {
  checkInteger('dataset.size', dataset.size, 0);
  const order = Int32Array.from(indices ?? { length: dataset.size }, (value, i) => {
    if (!indices) return i;
    checkInteger('indices', value, 0); // before the array of integers cuts it
    if (value >= dataset.size) throw new RangeError(`indices: expected values below ${dataset.size}, got ${value}`);
    return value;
  });
  const { height, width, channels } = dataset;
  return {
    count: order.length,
    async read(start, end) {
      const data = await dataset.read(order.subarray(start, end));
      return { data, count: end - start, height, width, channels };
    },
  };
}
