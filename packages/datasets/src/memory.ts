import { checkIndices, checkInteger, checkLabels } from './check';
import { DatasetFileError } from './errors';
import { subset } from './subset';
import type { EnlargedImage, ImageDataset, Progress } from './types';

/** What {@link inMemoryDataset} is made of. */
export interface InMemoryImages {
  /** What to call it in messages and reports. */
  readonly name: string;
  /** uint8 [n, height, width, channels]; kept, not copied. */
  readonly images: Uint8Array;
  /** The label of every image, [n]; copied. */
  readonly labels: ArrayLike<number>;
  /** Height in pixels. */
  readonly height: number;
  /** Width in pixels. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** The names of the classes, all different. */
  readonly classes: readonly string[];
}

/**
 * A dataset of images that lie in memory.
 *
 * @throws RangeError where the bytes are no whole number of images, or labels and classes do not fit
 */
export function inMemoryDataset({
  name,
  images,
  labels,
  height,
  width,
  channels,
  classes,
}: InMemoryImages): ImageDataset {
  checkInteger('height', height, 1);
  checkInteger('width', width, 1);
  checkInteger('channels', channels, 1);
  const bytes = height * width * channels;
  if (images.length !== labels.length * bytes) {
    throw new RangeError(
      `images: expected ${labels.length} x ${height} x ${width} x ${channels} bytes (one image a label), got ${images.length}`,
    );
  }
  checkLabels(labels, labels.length, classes);
  const own = Int32Array.from(labels);
  const size = own.length;
  return {
    name,
    size,
    height,
    width,
    channels,
    classes: [...classes],
    labels: own,
    async read(indices) {
      checkIndices(indices, { name, size });
      const out = new Uint8Array(indices.length * bytes);
      for (let i = 0; i < indices.length; i++) {
        out.set(images.subarray(indices[i] * bytes, (indices[i] + 1) * bytes), i * bytes);
      }
      return out;
    },
  };
}

/** Settings of {@link cacheDataset}. */
export interface CacheOptions {
  /** Called after every part that was read. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the reading; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Refuses a dataset of more bytes than this (default 2^31). */
  readonly maxBytes?: number;
  /**
   * What happens with an image file that cannot be read. `'error'` (default) rejects; `'skip'` leaves the image out and
   * lists it in `skipped`.
   */
  readonly onCorrupt?: 'error' | 'skip';
}

/** An image that was left out. */
export interface SkippedFile {
  /** Its path. */
  readonly file: string;
  /** What was wrong with it. */
  readonly reason: string;
}

/** A dataset in memory, and what was left out of it. */
export interface CachedDataset extends ImageDataset {
  /** What was left out, with `onCorrupt: 'skip'`. */
  readonly skipped: readonly SkippedFile[];
  /** The image files that are smaller than the images of the dataset and were enlarged. */
  readonly enlarged: readonly EnlargedImage[];
}

const PIECE = 64;

/**
 * Reads a dataset once and keeps the decoded images in one array. Use it for small datasets that are read many times. Its
 * latents, if it has any, stay where they are.
 *
 * @throws RangeError where the images take more than `maxBytes`
 * @throws DatasetFileError for an image that cannot be read, unless `onCorrupt` is `'skip'`
 */
export async function cacheDataset(dataset: ImageDataset, options: CacheOptions = {}): Promise<CachedDataset> {
  const { onProgress, signal, maxBytes = 2 ** 31, onCorrupt = 'error' } = options;
  checkInteger('maxBytes', maxBytes, 0);
  const { name, size, height, width, channels, classes, labels } = dataset;
  const bytes = height * width * channels;
  if (size * bytes > maxBytes) {
    throw new RangeError(`dataset: expected at most ${maxBytes} bytes of images in ${name}, got ${size * bytes}`);
  }
  const images = new Uint8Array(size * bytes);
  const kept: number[] = [];
  const skipped: SkippedFile[] = [];
  const enlarged = new Map<string, EnlargedImage>(); // an image that is read again counts once
  const onEnlarged = (image: EnlargedImage) => void enlarged.set(image.file, image);
  const keep = async (indices: Int32Array) => {
    images.set(await dataset.read(indices, { onEnlarged }), kept.length * bytes);
    for (const index of indices) kept.push(index);
  };
  for (let start = 0; start < size; start += PIECE) {
    signal?.throwIfAborted();
    const piece = range(start, Math.min(size, start + PIECE));
    try {
      await keep(piece);
    } catch (error) {
      if (onCorrupt === 'error' || !isImageError(error)) throw error;
      for (const index of piece) {
        try {
          await keep(Int32Array.of(index));
        } catch (one) {
          if (!isImageError(one)) throw one;
          skipped.push({ file: one.file, reason: one.message });
        }
      }
    }
    onProgress?.({ done: start + piece.length, total: size });
  }
  const left = { images: images.subarray(0, kept.length * bytes), labels: kept.map((index) => labels[index]) };
  const { latents } = subset(dataset, kept);
  return {
    ...inMemoryDataset({ name, ...left, height, width, channels, classes }),
    ...(latents && { latents }),
    skipped,
    enlarged: [...enlarged.values()],
  };
}

function isImageError(error: unknown): error is DatasetFileError {
  return error instanceof DatasetFileError && error.isImage;
}

/** The integers from `start` to `end - 1`. */
export function range(start: number, end: number): Int32Array {
  return Int32Array.from({ length: end - start }, (_, i) => start + i);
}
