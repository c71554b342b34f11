import { DatasetFileError } from './errors';
import { gunzipDeclared, isGzip } from './gunzip';
import { inMemoryDataset } from './memory';
import type { ImageDataset } from './types';

/** An array from an IDX file. */
export interface IdxArray {
  /** Its sizes, outermost first. */
  readonly shape: readonly number[];
  /** Its numbers, row-major: unsigned bytes (type 08) or int32 (type 0c). */
  readonly data: Uint8Array | Int32Array;
}

const UNSIGNED_BYTE = 0x08;
const INT32 = 0x0c;
/** The other types of the format, which no dataset of images has. */
const OTHER_TYPES: Readonly<Record<number, string>> = { 9: 'int8', 11: 'int16', 13: 'float32', 14: 'float64' };
const LARGEST_RANK = 4;
const HEAD = 4 + 4 * LARGEST_RANK;
const LARGEST_LENGTH = 2 ** 31;

/**
 * Decodes an IDX file (the format of MNIST and its family), plain or gzip. Sizes are checked against the file's length
 * before anything is allocated. A gzip file is unpacked only up to the length in its header.
 *
 * @param bytes - the file
 * @param file - its name, for errors
 * @returns unsigned bytes or int32 of rank 1 to 4; a plain file's bytes share the memory of `bytes`
 * @throws DatasetFileError for damaged gzip, a bad header, another type, truncated data or trailing bytes
 */
export async function decodeIdx(bytes: Uint8Array, file = 'idx'): Promise<IdxArray> {
  const lengthOf = (head: Uint8Array) => {
    const { shape, offset, bytesEach } = readHeader(head, file);
    const length = offset + shape.reduce((product, size) => product * size, bytesEach);
    if (length <= LARGEST_LENGTH) return length;
    throw new DatasetFileError(file, `expected at most ${LARGEST_LENGTH} bytes, got a header of [${shape.join(', ')}]`);
  };
  const plain = isGzip(bytes) ? await gunzipDeclared(bytes, { file, headSize: HEAD, lengthOf }) : bytes;
  const { shape, offset, bytesEach } = readHeader(plain, file);
  const expected = lengthOf(plain);
  if (plain.length !== expected) {
    throw new DatasetFileError(file, `expected ${expected} bytes for [${shape.join(', ')}], got ${plain.length}`);
  }
  const data = plain.subarray(offset);
  return { shape, data: bytesEach === 1 ? data : bigEndian(data) };
}

function bigEndian(data: Uint8Array): Int32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Int32Array.from({ length: data.length / 4 }, (_, i) => view.getInt32(4 * i));
}

function readHeader(bytes: Uint8Array, file: string): { shape: number[]; offset: number; bytesEach: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DatasetFileError(file, `expected an IDX file (00 00 type rank), got ${start || 'no bytes'}`);
  }
  const [, , type, rank] = bytes;
  if (type !== UNSIGNED_BYTE && type !== INT32) {
    const got = OTHER_TYPES[type] === undefined ? '' : ` (${OTHER_TYPES[type]})`;
    throw new DatasetFileError(
      file,
      `expected unsigned bytes (type 08) or int32 (type 0c), got type ${type.toString(16).padStart(2, '0')}${got}`,
    );
  }
  if (rank < 1 || rank > LARGEST_RANK)
    throw new DatasetFileError(file, `expected rank 1 to ${LARGEST_RANK}, got ${rank}`);
  const offset = 4 + 4 * rank;
  if (bytes.length < offset)
    throw new DatasetFileError(file, `expected a header of ${offset} bytes, got ${bytes.length}`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { shape, offset, bytesEach: type === INT32 ? 4 : 1 };
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
  /** The file of the labels, plain or gzip, bytes or int32: [n], or [n, 8] of QMNIST, whose first column is the class. */
  readonly labels: Uint8Array;
  /** What to call the dataset (default `'idx'`). */
  readonly name?: string;
  /** The names of the classes (default `'0'`, `'1'`, ... up to the largest label). */
  readonly classes?: readonly string[];
  /** The label that stands in the file for every class (default 0, 1, 2, ...). */
  readonly fileLabels?: readonly number[];
  /** Whether the images are stored column by column, as those of EMNIST are (default false). */
  readonly transposed?: boolean;
  /** The names of the two files, for errors. */
  readonly files?: IdxFileNames;
}

/**
 * A dataset from a pair of IDX files: MNIST, Fashion-MNIST, KMNIST, EMNIST, QMNIST.
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
  if (images.shape.length < 3 || height * width * channels === 0 || !(images.data instanceof Uint8Array)) {
    const kind = images.data instanceof Uint8Array ? '' : ' of int32';
    throw new DatasetFileError(
      files.images,
      `expected images [N, H, W] of unsigned bytes, got [${images.shape.join(', ')}]${kind}`,
    );
  }
  const inFile = classColumn(answers, { count, file: files.labels });
  const largest = inFile.reduce((most, label) => Math.max(most, label), -1);
  const lowest = inFile.reduce((least, label) => Math.min(least, label), 0);
  if (lowest < 0 || largest >= MOST_CLASSES) {
    const got = lowest < 0 ? lowest : largest;
    throw new DatasetFileError(files.labels, `expected labels from 0 to ${MOST_CLASSES - 1}, got ${got}`);
  }
  const { fileLabels } = options;
  const named = options.classes ?? fileLabels?.map(String);
  const classes = named ?? Array.from({ length: largest + 1 }, (_, label) => `${label}`);
  if (fileLabels !== undefined && fileLabels.length !== classes.length) {
    throw new RangeError(`fileLabels: expected ${classes.length}, as many as classes, got ${fileLabels.length}`);
  }
  if (fileLabels === undefined && largest >= classes.length) {
    throw new DatasetFileError(files.labels, `expected labels below ${classes.length}, got ${largest}`);
  }
  const labels = fileLabels === undefined ? inFile : relabel(inFile, fileLabels, files.labels);
  const pixels = transposed ? transpose(images.data, { count, rows: height, columns: width, channels }) : images.data;
  const sides = transposed ? { height: width, width: height } : { height, width };
  return inMemoryDataset({ name, images: pixels, labels, ...sides, channels, classes });
}

/** More classes than any dataset has. A larger label means a broken file, and would need as many class names. */
const MOST_CLASSES = 2 ** 20;

/** The columns of QMNIST's labels: class, NIST series, writer, digit of the writer, NIST class, index, two of no use. */
const QMNIST_COLUMNS = 8;

/** The label of every image: the array itself, or the first column of QMNIST's. */
function classColumn({ shape, data }: IdxArray, { count, file }: { count: number; file: string }): Int32Array {
  const isTable = shape.length === 2 && shape[1] === QMNIST_COLUMNS && data instanceof Int32Array;
  if ((shape.length !== 1 && !isTable) || shape[0] !== count) {
    throw new DatasetFileError(
      file,
      `expected labels [${count}] (or [${count}, ${QMNIST_COLUMNS}] of int32), got [${shape.join(', ')}]`,
    );
  }
  const columns = isTable ? QMNIST_COLUMNS : 1;
  return Int32Array.from({ length: count }, (_, i) => data[i * columns]);
}

/** The class of every label, from the labels that stand for the classes in a file. */
function relabel(labels: Int32Array, fileLabels: readonly number[], file: string): Int32Array {
  const classOf = new Map(fileLabels.map((label, index) => [label, index]));
  return Int32Array.from(labels, (label, i) => {
    const found = classOf.get(label);
    if (found !== undefined) return found;
    throw new DatasetFileError(
      file,
      `expected one of the ${fileLabels.length} labels of the classes, got ${label} at ${i}`,
    );
  });
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
