import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatasetFileError } from './errors';
import { type IdxFiles, idxDataset } from './idx';
import { readEmnistMapping } from './node-emnist';
import { readBytes } from './node-read';
import type { ImageDataset } from './types';

/** Which part of a dataset to read. */
export type Part = 'train' | 'test';

/** Settings of {@link idx}. */
export interface IdxOptions extends Pick<IdxFiles, 'name' | 'classes' | 'transposed'> {
  /** The part that is read (default `'train'`). */
  readonly part?: Part;
  /** Which of EMNIST's sets is read, as `'letters'`; needed where a folder holds several. */
  readonly variant?: string;
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

/** A file of images of the MNIST family: the set (`''` for MNIST itself) and the part. */
const IMAGES = /^(?:(qmnist|emnist-[a-z]+)-)?(train|t10k|test)-images-idx3-ubyte(?:\.gz)?$/;

/** The first file of images of the MNIST family among names; undefined where there is none. */
export function idxImagesAmong(names: readonly string[]): string | undefined {
  return [...names]
    .sort()
    .reverse()
    .find((name) => IMAGES.test(name));
}

/**
 * MNIST, Fashion-MNIST, KMNIST, QMNIST or EMNIST from a folder with the usual files (`train-images-idx3-ubyte`,
 * `qmnist-train-images-idx3-ubyte`, `emnist-letters-train-images-idx3-ubyte` and so on), plain or with the ending `.gz`.
 * For other names see `idxDataset`. Of QMNIST's labels the first column is the class. EMNIST's images are stored column by
 * column, and its labels begin at 1 in one of its sets: `emnist-letters-mapping.txt` says which characters the labels are,
 * so it is needed. A class of several characters is called by all of them: `Aa`.
 *
 * @throws DatasetFileError where a file is missing or damaged, or where it is not clear which set is meant; see `idxDataset`
 */
export async function idx(folder: string, options: IdxOptions = {}): Promise<ImageDataset> {
  const { part = 'train', variant, name = `${basename(folder)}-${part}` } = options;
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new DatasetFileError(folder, 'expected a folder that can be read', { cause });
  });
  const set = chooseSet(folder, names, variant);
  const files = filesOf(folder, names, { set, part });
  const images = await readBytes(files.images);
  const labels = await readBytes(files.labels);
  const isEmnist = set.startsWith('emnist-');
  const mapping = isEmnist ? await readEmnistMapping(join(folder, `${set}-mapping.txt`)) : undefined;
  return idxDataset({
    name,
    images,
    labels,
    files,
    classes: options.classes ?? mapping?.classes,
    fileLabels: mapping?.fileLabels,
    transposed: options.transposed ?? isEmnist,
  });
}

/** The set that is read: `''` for MNIST and those of its names, `'qmnist'`, `'emnist-letters'`. */
function chooseSet(folder: string, names: readonly string[], variant: string | undefined): string {
  const sets = [
    ...new Set(
      names.flatMap(
        (name) =>
          IMAGES.exec(name)
            ?.slice(1, 2)
            .map((set) => set ?? '') ?? [],
      ),
    ),
  ].sort();
  if (variant !== undefined) {
    if (sets.includes(`emnist-${variant}`)) return `emnist-${variant}`;
    const got = sets.map((set) => set || 'mnist').join(', ') || 'no images of the MNIST family';
    throw new DatasetFileError(folder, `expected the set emnist-${variant}, got ${got}`);
  }
  if (sets.length <= 1) return sets[0] ?? '';
  const choices = sets.map((set) => set || 'mnist').join(', ');
  throw new DatasetFileError(
    folder,
    `expected the files of one set, got ${choices}; name the variant of EMNIST, or give every set a folder of its own`,
  );
}

function filesOf(folder: string, names: readonly string[], { set, part }: { set: string; part: Part }) {
  const first = set === '' ? (part === 'train' ? 'train' : 't10k') : `${set}-${part}`;
  const labels = set === 'qmnist' ? 'labels-idx2-int' : 'labels-idx1-ubyte';
  const find = (file: string) => join(folder, names.includes(file) ? file : `${file}.gz`);
  return { images: find(`${first}-images-idx3-ubyte`), labels: find(`${first}-${labels}`) };
}
