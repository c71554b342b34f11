import { DatasetFileError } from './errors';
import { inMemoryDataset } from './memory';
import type { ImageDataset } from './types';

/** A file of CIFAR in the binary version. */
export interface CifarFile {
  /** Its name, for errors. */
  readonly name: string;
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** Which CIFAR the files are of. */
export interface CifarOptions {
  /** CIFAR-10, or CIFAR-100 with its 100 classes (`'fine'`) or its 20 superclasses (`'coarse'`). */
  readonly variant: 'cifar-10' | 'cifar-100-fine' | 'cifar-100-coarse';
  /** What to call the dataset (default: the variant). */
  readonly name?: string;
  /** The names of the classes (default: those of CIFAR-10, else `'0'`, `'1'`, ...). */
  readonly classes?: readonly string[];
}

const CIFAR_10 = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Where a record keeps the label, how long it is, and how many labels there are. */
const LAYOUT = {
  'cifar-10': { labelBytes: 1, labelAt: 0, count: 10 },
  'cifar-100-fine': { labelBytes: 2, labelAt: 1, count: 100 },
  'cifar-100-coarse': { labelBytes: 2, labelAt: 0, count: 20 },
} as const;

/**
 * A dataset from the binary version of CIFAR-10 or CIFAR-100 (Krizhevsky 2009): 32 x 32 in colour, the files one after
 * the other.
 *
 * @throws DatasetFileError where a file is empty or no whole number of records, or a label is too large
 * @throws RangeError where the classes are not as many as the variant has
 */
export function cifarDataset(files: readonly CifarFile[], options: CifarOptions): ImageDataset {
  const { variant, name = variant } = options;
  const { labelBytes, labelAt, count } = LAYOUT[variant];
  const names = variant === 'cifar-10' ? CIFAR_10 : Array.from({ length: count }, (_, label) => `${label}`);
  const classes = options.classes ?? names;
  if (classes.length !== count) throw new RangeError(`classes: expected ${count}, got ${classes.length}`);
  const record = labelBytes + 3 * PLANE;
  for (const { name: file, bytes } of files) {
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new DatasetFileError(file, `expected records of ${record} bytes, got ${bytes.length} bytes`);
    }
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const images = new Uint8Array(total * 3 * PLANE);
  const labels = new Int32Array(total);
  let n = 0;
  for (const { name: file, bytes } of files) {
    for (let start = 0; start < bytes.length; start += record, n++) {
      labels[n] = bytes[start + labelAt];
      if (labels[n] >= count) {
        throw new DatasetFileError(
          file,
          `expected labels below ${count}, got ${labels[n]} in record ${start / record}`,
        );
      }
      const pixels = bytes.subarray(start + labelBytes, start + record);
      for (let i = 0, at = n * 3 * PLANE; i < PLANE; i++) {
        images[at++] = pixels[i];
        images[at++] = pixels[i + PLANE];
        images[at++] = pixels[i + 2 * PLANE];
      }
    }
  }
  return inMemoryDataset({ name, images, labels, height: SIDE, width: SIDE, channels: 3, classes });
}
