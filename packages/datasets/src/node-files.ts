import { checkIndices, checkInteger, checkLabels } from './check';
import { DatasetFileError } from './errors';
import { inMemoryDataset, type SkippedFile } from './memory';
import { type DecodeOptions, decodeImageFile } from './node-decode';
import { forEachParallel } from './node-pool';
import type { EnlargedImage, ImageDataset, Progress } from './types';

/** How image files become a dataset. */
export interface FilesOptions extends DecodeOptions {
  /** What to call the dataset. */
  readonly name?: string;
  /**
   * What happens with an image that cannot be decoded. With `'error'` (default) reading it rejects and names it. With
   * `'skip'` all images are decoded once at the start; the bad ones are left out and listed in `skipped`.
   */
  readonly onCorrupt?: 'error' | 'skip';
  /** Decodes everything at the start and keeps it in memory, size x size x 3 bytes an image. */
  readonly cache?: boolean;
  /** Images decoded at a time (default 4). */
  readonly concurrency?: number;
  /** Called after every image that is decoded at the start. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the work at the start: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A dataset of image files. */
export interface FileDataset extends ImageDataset {
  /** The path of every image, [size]. */
  readonly files: readonly string[];
  /** What was left out, with `onCorrupt: 'skip'`. */
  readonly skipped: readonly SkippedFile[];
}

/** Image files with their labels. */
export interface LabelledFiles {
  /** Paths of the images. */
  readonly files: readonly string[];
  /** The label of every image. */
  readonly labels: ArrayLike<number>;
  /** The names of the classes. */
  readonly classes: readonly string[];
}

/**
 * Makes a dataset of image files, in the order given.
 *
 * @throws RangeError for bad options, or labels that do not fit
 * @throws DatasetFileError (with `cache`) for an image that cannot be decoded
 */
export async function imageFiles(source: LabelledFiles, options: FilesOptions): Promise<FileDataset> {
  const { name = 'files', onCorrupt = 'error', cache = false, concurrency = 4, size: side } = options;
  checkInteger('size', side, 1);
  checkInteger('concurrency', concurrency, 1);
  checkLabels(source.labels, source.files.length, source.classes);
  const labels = Int32Array.from(source.labels);
  if (!cache && onCorrupt === 'error') return lazily({ ...source, labels }, options);
  const { images, skipped, kept } = await decodeAll(source.files, options);
  const left = {
    files: kept.map((i) => source.files[i]),
    labels: Int32Array.from(kept, (i) => labels[i]),
    classes: source.classes,
  };
  if (!images) return { ...lazily(left, options), skipped };
  const memory = inMemoryDataset({ ...left, name, images, height: side, width: side, channels: 3 });
  return { ...memory, files: left.files, skipped };
}

function lazily(source: LabelledFiles & { labels: Int32Array }, options: FilesOptions): FileDataset {
  const { name = 'files', concurrency = 4, size: side } = options;
  const { files, labels, classes } = source;
  const bytes = side * side * 3;
  const size = files.length;
  const decoded = new Uint8Array(size);
  return {
    name,
    size,
    height: side,
    width: side,
    channels: 3,
    classes: [...classes],
    labels,
    files: [...files],
    skipped: [],
    async read(indices, reading = {}) {
      checkIndices(indices, { name, size });
      const out = new Uint8Array(indices.length * bytes);
      const onEnlarged = (image: EnlargedImage) => {
        options.onEnlarged?.(image);
        reading.onEnlarged?.(image);
      };
      await forEachParallel(indices.length, concurrency, async (i) => {
        const wasDecoded = decoded[indices[i]] === 1;
        out.set(await decodeImageFile(files[indices[i]], { ...options, onEnlarged, wasDecoded }), i * bytes);
        decoded[indices[i]] = 1;
      });
      return out;
    },
  };
}

/** Decodes all files; with `onCorrupt: 'skip'` the bad ones are left out. */
async function decodeAll(files: readonly string[], options: FilesOptions) {
  const { cache = false, onCorrupt, concurrency = 4, onProgress, signal } = options;
  const bytes = options.size ** 2 * 3;
  const all = cache ? new Uint8Array(files.length * bytes) : undefined;
  const reasons = new Map<number, string>();
  let done = 0;
  await forEachParallel(files.length, concurrency, async (i) => {
    signal?.throwIfAborted();
    try {
      const image = await decodeImageFile(files[i], options);
      all?.set(image, i * bytes);
    } catch (error) {
      if (onCorrupt !== 'skip' || !(error instanceof DatasetFileError)) throw error;
      reasons.set(i, error.message);
    }
    onProgress?.({ done: ++done, total: files.length });
  });
  const kept = Array.from(files.keys()).filter((i) => !reasons.has(i));
  kept.forEach((from, to) => {
    if (from !== to) all?.copyWithin(to * bytes, from * bytes, (from + 1) * bytes);
  });
  const skipped = Array.from(reasons, ([i, reason]) => ({ i, file: files[i], reason })).sort((a, b) => a.i - b.i);
  return {
    images: all?.subarray(0, kept.length * bytes),
    kept,
    skipped: skipped.map(({ file, reason }) => ({ file, reason })),
  };
}
