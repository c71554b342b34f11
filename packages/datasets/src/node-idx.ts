import { basename, join } from 'node:path';
import { type IdxFiles, idxDataset } from './idx';
import { exists, readBytes } from './node-read';
import type { ImageDataset } from './types';

/** Which part of a dataset to read. */
export type Part = 'train' | 'test';

/** Settings of {@link idx}. */
export interface IdxOptions extends Pick<IdxFiles, 'name' | 'classes' | 'transposed'> {
  /** The part that is read (default `'train'`). */
  readonly part?: Part;
}

/** The names of the ten classes of Fashion-MNIST (Xiao et al. 2017), in the order of its labels. */
export const FASHION_MNIST_CLASSES: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/**
 * MNIST, Fashion-MNIST or KMNIST from a folder with the usual four files (`train-images-idx3-ubyte` and so on), plain
 * or with the ending `.gz`. For other names see `idxDataset`.
 *
 * @throws DatasetFileError where a file is missing or damaged; see `idxDataset`
 */
export async function idx(folder: string, options: IdxOptions = {}): Promise<ImageDataset> {
  const { part = 'train', name = `${basename(folder)}-${part}` } = options;
  const prefix = part === 'train' ? 'train' : 't10k';
  const files = {
    images: await plainOrPacked(join(folder, `${prefix}-images-idx3-ubyte`)),
    labels: await plainOrPacked(join(folder, `${prefix}-labels-idx1-ubyte`)),
  };
  const images = await readBytes(files.images);
  const labels = await readBytes(files.labels);
  return idxDataset({ ...options, name, images, labels, files });
}

async function plainOrPacked(file: string): Promise<string> {
  return (await exists(file)) ? file : `${file}.gz`;
}
