import { DatasetFileError } from './errors';
import { gunzipDeclared, isGzip } from './gunzip';
import { inMemoryDataset } from './memory';
import type { ImageDataset } from './types';

/** An array of unsigned bytes from an IDX file. */
export interface IdxArray {
  /** Its sizes, outermost first. */
  readonly shape: readonly number[];
  /** Its bytes, row-major. */
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const LARGEST_RANK = 4;
const HEAD = 4 + 4 * LARGEST_RANK;
const LARGEST_LENGTH = 2 ** 31;

/**
 * Decodes an IDX file (the format of MNIST and its family), plain or gzip. Sizes are checked against the file's length
 * before anything is allocated. A gzip file is unpacked only up to the length in its header.
 *
 * @param bytes - the file
 * @param file - its name, for errors
 * @returns unsigned bytes of rank 1 to 4; a plain file's array shares the memory of `bytes`
 * @throws DatasetFileError for damaged gzip, a bad header, another type, truncated data or trailing bytes
 */
export async function decodeIdx(bytes: Uint8Array, file = 'idx'): Promise<IdxArray> {
  const lengthOf = (head: Uint8Array) => {
    const { shape, offset } = readHeader(head, file);
    const length = offset + shape.reduce((product, size) => product * size, 1);
    if (length <= LARGEST_LENGTH) return length;
    throw new DatasetFileError(file, `expected at most ${LARGEST_LENGTH} bytes, got a header of [${shape.join(', ')}]`);
  };
  const plain = isGzip(bytes) ? await gunzipDeclared(bytes, { file, headSize: HEAD, lengthOf }) : bytes;
  const { shape, offset } = readHeader(plain, file);
  const expected = lengthOf(plain);
  if (plain.length !== expected) {
    throw new DatasetFileError(file, `expected ${expected} bytes for [${shape.join(', ')}], got ${plain.length}`);
  }
  return { shape, data: plain.subarray(offset) };
}

function readHeader(bytes: Uint8Array, file: string): { shape: number[]; offset: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DatasetFileError(file, `expected an IDX file (00 00 type rank), got ${start || 'no bytes'}`);
  }
  const rank = bytes[3];
  if (bytes[2] !== UNSIGNED_BYTE) {
    throw new DatasetFileError(
      file,
      `expected unsigned bytes (type 08), got type ${bytes[2].toString(16).padStart(2, '0')}`,
    );
  }
  if (rank < 1 || rank > LARGEST_RANK)
    throw new DatasetFileError(file, `expected rank 1 to ${LARGEST_RANK}, got ${rank}`);
  const offset = 4 + 4 * rank;
  if (bytes.length < offset)
    throw new DatasetFileError(file, `expected a header of ${offset} bytes, got ${bytes.length}`);
  return { shape: Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i)), offset };
}

/** What the two files are called, for errors. */
export interface IdxFileNames {
  /** The file of the images. */
  readonly images: string;
  /** The file of the labels. */
  readonly labels: string;
}

/** What {@link idxDataset} is made of. */
export interface IdxFiles {
  /** The file of the images, plain or gzip: [n, height, width] or [n, height, width, channels]. */
  readonly images: Uint8Array;
  /** The file of the labels, plain or gzip: [n]. */
  readonly labels: Uint8Array;
  /** What to call the dataset (default `'idx'`). */
  readonly name?: string;
  /** The names of the classes (default `'0'`, `'1'`, ... up to the largest label). */
  readonly classes?: readonly string[];
  /** Whether the images are stored column by column, as those of EMNIST are (default false). */
  readonly transposed?: boolean;
  /** The names of the two files, for errors. */
  readonly files?: IdxFileNames;
}

/**
 * A dataset from a pair of IDX files: MNIST, Fashion-MNIST, KMNIST, EMNIST.
 *
 * @throws DatasetFileError as {@link decodeIdx}, and where the two files do not fit each other or the classes
 */
export async function idxDataset(options: IdxFiles): Promise<ImageDataset> {
  const { name = 'idx', transposed = false, files = { images: `${name} images`, labels: `${name} labels` } } = options;
  const [images, answers] = await Promise.all([
    decodeIdx(options.images, files.images),
    decodeIdx(options.labels, files.labels),
  ]);
  const [count, height, width, channels = 1] = images.shape;
  if (images.shape.length < 3 || height * width * channels === 0) {
    throw new DatasetFileError(files.images, `expected images [N, H, W], got [${images.shape.join(', ')}]`);
  }
  if (answers.shape.length !== 1 || answers.shape[0] !== count) {
    throw new DatasetFileError(files.labels, `expected labels [${count}], got [${answers.shape.join(', ')}]`);
  }
  const largest = answers.data.reduce((most, label) => Math.max(most, label), -1);
  const classes = options.classes ?? Array.from({ length: largest + 1 }, (_, label) => `${label}`);
  if (largest >= classes.length) {
    throw new DatasetFileError(files.labels, `expected labels below ${classes.length}, got ${largest}`);
  }
  const pixels = transposed ? transpose(images.data, { count, rows: height, columns: width, channels }) : images.data;
  const sides = transposed ? { height: width, width: height } : { height, width };
  return inMemoryDataset({ name, images: pixels, labels: answers.data, ...sides, channels, classes });
}

function transpose(
  data: Uint8Array,
  { count, rows, columns, channels }: { count: number; rows: number; columns: number; channels: number },
): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let n = 0, at = 0; n < count; n++) {
    for (let x = 0; x < columns; x++) {
      for (let y = 0; y < rows; y++) {
        for (let c = 0; c < channels; c++) out[at++] = data[((n * rows + y) * columns + x) * channels + c];
      }
    }
  }
  return out;
}
