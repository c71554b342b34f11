import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { listNames } from './class-names';
import { DatasetFileError } from './errors';
import { inMemoryDataset, range } from './memory';
import type { ImageDataset } from './types';

/** Names of tensors and classes in a file of packed arrays. */
export interface PackedOptions {
  /** What to call the dataset and its errors (default `'packed'`). */
  readonly name?: string;
  /** The tensor of the images, U8 [N, H, W, C] or [N, H, W] (default `'arr_0'`, else `'images'`). */
  readonly images?: string;
  /**
   * The tensor of the labels, integers [N] (default `'labels'`, else `'arr_1'`; without either all images have one
   * class).
   */
  readonly labels?: string;
  /** The names of the classes (default `'0'`, `'1'`, ... up to the largest label). */
  readonly classes?: readonly string[];
}

/** Usual names of the tensor of the images; the first that exists is used. */
export const IMAGE_TENSORS = ['arr_0', 'images'] as const;
/** Usual names of the tensor of the labels. */
export const LABEL_TENSORS = ['labels', 'arr_1'] as const;

/**
 * A dataset from arrays of an npz or safetensors file: the sample batches of ADM and DiT (`arr_0`), or what
 * {@link packDataset} makes.
 *
 * @throws DatasetFileError where a tensor is missing, or its dtype, shape or values do not fit
 */
export function packedDataset(tensors: NamedTensors, options: PackedOptions = {}): ImageDataset {
  const { name = 'packed' } = options;
  const fail = (problem: string): never => {
    throw new DatasetFileError(name, problem);
  };
  const find = (asked: string | undefined, usual: readonly string[]): TensorData | undefined => {
    const found = asked === undefined ? usual.find((key) => tensors.has(key)) : asked;
    const tensor = found === undefined ? undefined : tensors.get(found);
    if (asked !== undefined && !tensor) fail(`expected a tensor "${asked}", got ${listNames([...tensors.keys()])}`);
    return tensor;
  };
  const images = find(options.images, IMAGE_TENSORS);
  if (!images)
    return fail(`expected images in "arr_0" or "images", got ${listNames([...tensors.keys()]) || 'nothing'}`);
  const { dtype, shape } = images;
  if (dtype !== 'U8' || shape.length < 3 || shape.length > 4 || shape.slice(1).includes(0)) {
    fail(`images: expected U8 [N, H, W, C], got ${dtype} [${shape.join(', ')}]`);
  }
  const [count, height, width, channels = 1] = shape;
  const answers = find(options.labels, LABEL_TENSORS);
  if (answers && (answers.shape.length !== 1 || answers.shape[0] !== count)) {
    fail(`labels: expected [${count}], got [${answers.shape.join(', ')}]`);
  }
  const labels = answers ? readLabels(answers, fail) : new Int32Array(count);
  const largest = labels.reduce((most, label) => Math.max(most, label), 0);
  const classes = options.classes ?? Array.from({ length: largest + 1 }, (_, label) => `${label}`);
  if (largest >= classes.length) fail(`labels: expected numbers below ${classes.length}, got ${largest}`);
  return inMemoryDataset({ name, images: images.data as Uint8Array, labels, height, width, channels, classes });
}

/** More classes than any dataset has. A larger label means a broken file, and would need as many class names. */
const MOST_CLASSES = 2 ** 20;

function readLabels({ dtype, data }: TensorData, fail: (problem: string) => never): Int32Array {
  if (dtype.startsWith('F') || dtype.startsWith('B')) fail(`labels: expected integers, got ${dtype}`);
  return Int32Array.from({ length: data.length }, (_, i) => {
    const label = Number(data[i]);
    if (label < 0 || label >= MOST_CLASSES) fail(`labels: expected 0 to ${MOST_CLASSES - 1}, got ${label} at ${i}`);
    return label;
  });
}

/**
 * Reads a whole dataset into the tensors `images` (U8 [N, H, W, C]) and `labels` (I32 [N]), to be written as npz or
 * safetensors. The caller owns them.
 */
export async function packDataset(dataset: ImageDataset): Promise<Map<string, TensorData>> {
  const { size, height, width, channels, labels } = dataset;
  const data = await dataset.read(range(0, size));
  return new Map<string, TensorData>([
    ['images', { dtype: 'U8', shape: [size, height, width, channels], data }],
    ['labels', { dtype: 'I32', shape: [size], data: labels.slice() }],
  ]);
}
