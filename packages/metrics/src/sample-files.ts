import { type NpyInfo, openNpy, openNpz, type TensorData } from '@learngene/tensor-io';
import { fileSource } from '@learngene/tensor-io/node';
import type { ImageSource } from './image-source';
import { CLASSES, classesFromArrays } from './statistics';

/** Images in a file, read a batch at a time. */
export interface OpenSamples extends ImageSource {
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** `arr_1`, where the file has it: the class of each image. */
  readonly labels?: Int32Array;
  /** `learngene_classes`, where the file has it: the name of each class. */
  readonly classes?: readonly string[];
  /** Closes the file. */
  close(): Promise<void>;
}

/** Reads rows of an array. */
type Rows = Pick<OpenSamples, 'close'> & {
  readonly info: NpyInfo;
  readRows(start: number, count: number): Promise<TensorData>;
  readonly labels?: TensorData;
  readonly classes?: TensorData;
};

/** The array of an npy file, or `arr_0`, `arr_1` and `learngene_classes` of an npz file. */
async function openRows(path: string): Promise<Rows> {
  const source = await fileSource(path);
  if (path.endsWith('.npy')) {
    const npy = await openNpy(source);
    return { info: npy, readRows: npy.readRows, close: npy.close };
  }
  const npz = await openNpz(source);
  try {
    if (!npz.names.includes('arr_0')) {
      throw new RangeError(`${path}: expected an array arr_0, got ${npz.names.join(', ')}`);
    }
    const labels = npz.names.includes('arr_1') ? await npz.read('arr_1') : undefined;
    const classes = npz.names.includes(CLASSES) ? await npz.read(CLASSES) : undefined;
    const readRows = (start: number, count: number) => npz.readRows('arr_0', start, count);
    return { info: await npz.info('arr_0'), readRows, close: npz.close, labels, classes };
  } catch (error) {
    await npz.close();
    throw error;
  }
}

/**
 * Opens sample images of any number: an npz (`arr_0` uint8 NHWC, `arr_1` labels, class names; stored or deflated) or an
 * npy file. Only the batches that are read are in memory. Read them in order: going back in a deflated array inflates
 * it again from the beginning. The caller closes it.
 *
 * @throws RangeError for another dtype or shape; a TensorFileError of `@learngene/tensor-io` for a file that breaks the
 *   format
 */
export async function openSamples(path: string): Promise<OpenSamples> {
  const { info, readRows, close, labels, classes } = await openRows(path);
  try {
    const { dtype, shape, rows } = info;
    if (dtype !== 'U8' || shape.length !== 4 || !rows) {
      const order = dtype === 'U8' && !rows ? ' in column-major order' : '';
      throw new RangeError(`${path}: expected images U8 [N, H, W, C], got ${dtype} [${shape.join(', ')}]${order}`);
    }
    const [count, height, width, channels] = shape;
    return {
      ...{ count, height, width, channels, close },
      ...classesFromArrays(path, labels, classes, count),
      async read(start, end) {
        const { data } = await readRows(start, end - start);
        return { data: data as Uint8Array, count: end - start, height, width, channels };
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a reference file holds. */
export interface ReferenceContent {
  /** Whether it holds images (`arr_0`). */
  readonly images: boolean;
  /** Whether it holds statistics (`mu`, `sigma`). */
  readonly statistics: boolean;
}

/**
 * Tells what a file of real images holds: statistics, which `readStatistics` reads, or images, which {@link
 * openSamples} reads.
 */
export async function referenceContent(path: string): Promise<ReferenceContent> {
  if (path.endsWith('.npy')) return { images: true, statistics: false };
  const npz = await openNpz(await fileSource(path));
  try {
    const has = (name: string) => npz.names.includes(name);
    return { images: has('arr_0'), statistics: has('mu') || has('mu_s') };
  } finally {
    await npz.close();
  }
}
