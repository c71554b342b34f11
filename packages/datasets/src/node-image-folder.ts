import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatasetFileError } from './errors';
import { type FileDataset, type FilesOptions, imageFiles } from './node-files';

/** Settings of {@link imageFolder}. */
export interface ImageFolderOptions extends FilesOptions {
  /** The endings of pictures, lower case (default `.jpg .jpeg .png .webp .gif .avif .tif .tiff`). */
  readonly extensions?: readonly string[];
  /** Whether a class may be without pictures (default false). */
  readonly allowEmpty?: boolean;
}

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff'];

/**
 * A dataset from folders of pictures: `path/<class>/.../<picture>`. Classes and pictures are in the order of
 * torchvision's ImageFolder: names sorted by code point, the pictures of a class by folder, then by name. Links are
 * followed.
 *
 * @throws DatasetFileError where the folder cannot be read, has no class folders, or a class has no pictures
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<FileDataset> {
  const { extensions = EXTENSIONS, allowEmpty = false, name = basename(path) } = options;
  const { folders: classes } = await list(path);
  if (classes.length === 0) throw new DatasetFileError(path, 'expected a folder for every class, got none');
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, className] of classes.entries()) {
    const found = await pictures(join(path, className), extensions);
    if (found.length === 0 && !allowEmpty) {
      throw new DatasetFileError(join(path, className), `expected pictures (${extensions.join(' ')}), got none`);
    }
    for (const file of found) {
      files.push(file);
      labels.push(label);
    }
  }
  return imageFiles({ files, labels, classes }, { ...options, name });
}

/** All pictures under a folder. */
async function pictures(root: string, extensions: readonly string[]): Promise<string[]> {
  const found: { folder: string; files: string[] }[] = [];
  const walk = async (folder: string, parents: readonly string[]): Promise<void> => {
    const real = await realpath(folder);
    if (parents.includes(real)) return; // a link back to a folder that we are in
    const { folders, files } = await list(folder);
    found.push({ folder, files: files.filter((file) => extensions.some((end) => file.toLowerCase().endsWith(end))) });
    for (const name of folders) await walk(join(folder, name), [...parents, real]);
  };
  await walk(root, []);
  found.sort((a, b) => compareCodePoints(a.folder, b.folder));
  return found.flatMap(({ folder, files }) => files.map((file) => join(folder, file)));
}

/** The folders and files in a folder, sorted; links count as what they lead to. */
async function list(folder: string): Promise<{ folders: string[]; files: string[] }> {
  const folders: string[] = [];
  const files: string[] = [];
  try {
    for (const name of (await readdir(folder)).sort(compareCodePoints)) {
      const kind = await stat(join(folder, name)).catch(() => undefined); // a broken link is neither
      if (kind?.isDirectory()) folders.push(name);
      else if (kind?.isFile()) files.push(name);
    }
  } catch (cause) {
    throw new DatasetFileError(folder, 'expected a folder that can be read', { cause });
  }
  return { folders, files };
}

/** The order of code points, which is that of UTF-8 bytes and Python's; JavaScript's own differs beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
