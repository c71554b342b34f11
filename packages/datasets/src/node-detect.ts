import { open, readdir, stat } from 'node:fs/promises';
import { DatasetFileError } from './errors';
import { idxImagesAmong } from './node-idx';
import { listClassFolders } from './node-image-folder';
import { packedNames } from './node-packed';
import { isShardPattern } from './node-shards';
import { IMAGE_TENSORS } from './packed';

/** The kinds of data that {@link detectDataset} tells apart. */
export type DatasetKind = 'emoji' | 'folder' | 'idx' | 'cifar10' | 'cifar100' | 'packed' | 'webdataset';

/** The kind of data at a path, and how it was recognised. */
export interface DetectedDataset {
  /** The kind of data. */
  readonly kind: DatasetKind;
  /** What the kind was recognised by, in words: `train-images-idx3-ubyte.gz`. */
  readonly by: string;
}

/** Files that only one kind of data has, each with that kind. The first that exists decides. */
const FILES: readonly (readonly [file: string, kind: DatasetKind])[] = [
  ['data_batch_1.bin', 'cifar10'],
  ['test_batch.bin', 'cifar10'],
  ['fine_label_names.txt', 'cifar100'],
  ['train.bin', 'cifar100'],
  ['test.bin', 'cifar100'],
  ['emoji.json', 'emoji'],
];

/** Files that mark folders of data that is not supported, each with what to do instead. */
const FOREIGN: readonly (readonly [file: string, problem: string])[] = [
  ['data_batch_1', 'this is the Python version of CIFAR-10; expected the binary version (data_batch_1.bin)'],
  ['train', 'this is the Python version of CIFAR-100; expected the binary version (train.bin)'],
];

/**
 * Recognises the kind of data at a path, from names and first bytes of files alone: a folder of class folders, the IDX
 * files of the MNIST family, the binary version of CIFAR-10 or CIFAR-100, the package of emoji, one file of packed
 * arrays, or tar shards, of which the ending is enough.
 *
 * @throws DatasetFileError where nothing is there, or nothing that is recognised, with what was found
 */
export async function detectDataset(path: string): Promise<DetectedDataset> {
  if (isShardPattern(path)) return { kind: 'webdataset', by: 'its ending .tar' };
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new DatasetFileError(path, 'expected a folder or a file, found none');
  return found.isDirectory() ? detectFolder(path) : detectFile(path);
}

async function detectFolder(path: string): Promise<DetectedDataset> {
  const names = await readdir(path);
  const images = idxImagesAmong(names);
  if (images !== undefined) return { kind: 'idx', by: images };
  for (const [file, kind] of FILES) if (names.includes(file)) return { kind, by: file };
  const { folders, files } = await listClassFolders(path);
  for (const [file, problem] of FOREIGN) if (files.includes(file)) throw new DatasetFileError(path, problem);
  if (folders.length > 0)
    return { kind: 'folder', by: folders.length === 1 ? '1 folder' : `${folders.length} folders` };
  const got = files.length === 0 ? 'an empty one' : `files alone (${files.slice(0, 3).join(', ')})`;
  throw new DatasetFileError(path, `expected a folder with a folder for every class, IDX or CIFAR files, got ${got}`);
}

async function detectFile(path: string): Promise<DetectedDataset> {
  if (!/\.(npz|safetensors)$/.test(path)) {
    const isIdx = /(idx[123]-(ubyte|int))(\.gz)?$/.test(path) || (await startsLikeIdx(path));
    const hint = isIdx ? 'a single IDX file; give the folder with its images and labels' : 'a file of another kind';
    throw new DatasetFileError(path, `expected a folder, an .npz or a .safetensors file, got ${hint}`);
  }
  const names = await packedNames(path);
  const images = IMAGE_TENSORS.find((name) => names.includes(name));
  if (images !== undefined) return { kind: 'packed', by: `its tensor "${images}"` };
  const got = names.slice(0, 3).map((name) => `"${name}"`);
  throw new DatasetFileError(path, `expected images in "arr_0" or "images", got ${got.join(', ') || 'no tensors'}`);
}

/** Whether a file begins as an IDX file of bytes or int32 does: 00 00, 08 or 0c, and a rank. */
async function startsLikeIdx(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(4);
    const { bytesRead } = await file.read(head, 0, 4, 0);
    return (
      bytesRead === 4 &&
      head.readUInt16BE(0) === 0 &&
      (head[2] === 0x08 || head[2] === 0x0c) &&
      head[3] >= 1 &&
      head[3] <= 4
    );
  } finally {
    await file.close();
  }
}
