import { join } from 'node:path';
import { type CifarOptions, cifarDataset } from './cifar';
import type { Part } from './node-idx';
import { exists, readBytes } from './node-read';
import type { ImageDataset } from './types';

/** Settings of {@link cifar}. */
export interface CifarFolderOptions extends CifarOptions {
  /** The part that is read (default `'train'`). */
  readonly part?: Part;
}

const NAMES = {
  'cifar-10': 'batches.meta.txt',
  'cifar-100-fine': 'fine_label_names.txt',
  'cifar-100-coarse': 'coarse_label_names.txt',
} as const;

/**
 * CIFAR-10 or CIFAR-100 from the unpacked folder of the binary version. The class names come from the text file beside
 * the data, where there is one.
 *
 * @throws DatasetFileError where a file is missing or damaged; see `cifarDataset`
 */
export async function cifar(folder: string, options: CifarFolderOptions): Promise<ImageDataset> {
  const { variant, part = 'train', name = `${variant}-${part}` } = options;
  const names = join(folder, NAMES[variant]);
  const files = await Promise.all(
    fileNames(variant, part).map(async (file) => ({
      name: join(folder, file),
      bytes: await readBytes(join(folder, file)),
    })),
  );
  const classes = options.classes ?? ((await exists(names)) ? await readLines(names) : undefined);
  return cifarDataset(files, { variant, name, classes });
}

function fileNames(variant: CifarOptions['variant'], part: Part): string[] {
  if (variant !== 'cifar-10') return [`${part}.bin`];
  return part === 'test' ? ['test_batch.bin'] : [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
}

async function readLines(file: string): Promise<string[]> {
  const lines = new TextDecoder().decode(await readBytes(file)).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}
