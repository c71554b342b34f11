import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { normalName } from './class-names';
import { DatasetFileError } from './errors';
import { type FileDataset, type FilesOptions, imageFiles } from './node-files';

/** Settings of {@link imageFolder}. */
export interface ImageFolderOptions extends FilesOptions {
  /** The file extensions of images, lower case (default `.jpg .jpeg .png .webp .gif .avif .tif .tiff`). */
  readonly extensions?: readonly string[];
  /** Whether a class may be without images (default false). */
  readonly allowEmpty?: boolean;
}

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff'];

/** Something in the folder that is not part of the dataset. */
export interface IgnoredEntry {
  /** Its path. */
  readonly path: string;
  /** Why it was ignored. */
  readonly reason:
    | 'hidden'
    | 'left by a file manager'
    | 'no image by its ending'
    | 'in no class folder'
    | 'a broken link';
}

/** A dataset of image files, with what was ignored in the folder. */
export interface ImageFolderDataset extends FileDataset {
  /** Files and folders that are not part of the dataset, in no particular order. */
  readonly ignored: readonly IgnoredEntry[];
}

/** Folders and files that file managers and archivers leave behind. */
const LEFT_BEHIND = ['__MACOSX', 'Thumbs.db', 'desktop.ini', '@eaDir', '$RECYCLE.BIN'];

/**
 * Makes a dataset from folders of images: `path/<class>/.../<image>`. Classes and images are in the order of
 * torchvision's ImageFolder: names sorted by code point, the images of a class by folder, then by name. Class names are
 * in Unicode's NFC. Links are followed. Images may lie in deeper folders. Hidden files and folders
 * (`.ipynb_checkpoints`, `._photo.jpg`), `__MACOSX` and the like, and files without an image's extension are ignored
 * and listed. A tree that starts one level too high (`photos` in place of `photos/train`) is refused: there no class
 * folder holds an image itself, and each holds two or more folders of images.
 *
 * @throws DatasetFileError where the folder cannot be read, has no class folders or is one level too high, where a
 *   class has no images, or where two class names differ only in how Unicode spells them
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<ImageFolderDataset> {
  const { extensions = EXTENSIONS, allowEmpty = false, name = basename(path) } = options;
  const ignored: IgnoredEntry[] = [];
  const { folders, files: loose } = await list(path, ignored);
  for (const file of loose) ignored.push({ path: join(path, file), reason: 'in no class folder' });
  if (folders.length === 0) throw new DatasetFileError(path, 'expected a folder for every class, got none');
  const byName = new Map<string, string>();
  for (const folder of folders) {
    const other = byName.get(normalName(folder));
    if (other !== undefined) {
      const spellings = `${JSON.stringify(folder)} is there in two of Unicode's spellings`;
      throw new DatasetFileError(path, `expected folders of different names, but ${spellings}`);
    }
    byName.set(normalName(folder), folder);
  }
  const classes = [...byName.keys()].sort(compareCodePoints);
  const files: string[] = [];
  const labels: number[] = [];
  const layouts: FolderLayout[] = [];
  for (const [label, className] of classes.entries()) {
    const folder = join(path, byName.get(className) as string);
    const found = await images(folder, extensions, ignored);
    if (found.length === 0 && !allowEmpty) {
      throw new DatasetFileError(folder, `expected images (${extensions.join(' ')}), got none`);
    }
    if (found.length > 0) layouts.push({ folder, ...layoutOf(folder, found) });
    for (const file of found) {
      files.push(file);
      labels.push(label);
    }
  }
  refuseLevelAbove(path, layouts);
  return { ...(await imageFiles({ files, labels, classes }, { ...options, name })), ignored };
}

/**
 * Makes a dataset of one class, `images`, of the images that lie directly in a folder that has no folders: what needs no
 * labels. They are in the order of their names by code point. A folder with folders, and a file, give a dataset of none.
 *
 * @throws DatasetFileError where the folder cannot be read
 */
export async function imageList(path: string, options: ImageFolderOptions): Promise<ImageFolderDataset> {
  const { extensions = EXTENSIONS, name = basename(path) } = options;
  const ignored: IgnoredEntry[] = [];
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  const { folders, files } = isFile ? { folders: [], files: [] } : await list(path, ignored);
  const found = folders.length > 0 ? [] : files.filter((file) => hasEnding(file, extensions));
  for (const file of files) {
    if (!hasEnding(file, extensions)) ignored.push({ path: join(path, file), reason: 'no image by its ending' });
  }
  const labelled = { files: found.map((file) => join(path, file)), labels: found.map(() => 0), classes: ['images'] };
  return { ...(await imageFiles(labelled, { ...options, name })), ignored };
}

function hasEnding(file: string, extensions: readonly string[]): boolean {
  return extensions.some((end) => file.toLowerCase().endsWith(end));
}

/** Where the images of a class folder lie. */
interface FolderLayout {
  /** The class folder. */
  readonly folder: string;
  /** How many images lie directly in it. */
  readonly direct: number;
  /** How many of its folders hold images. */
  readonly inner: number;
}

function layoutOf(folder: string, files: readonly string[]): Omit<FolderLayout, 'folder'> {
  const parts = files.map((file) => relative(folder, file).split(sep));
  const inner = parts.filter(({ length }) => length > 1).map(([first]) => first);
  return { direct: files.length - inner.length, inner: new Set(inner).size };
}

/**
 * Throws where every class folder holds only folders of images: they are then parts of the data (train, test), not
 * classes.
 */
function refuseLevelAbove(path: string, layouts: readonly FolderLayout[]): void {
  if (layouts.length === 0 || layouts.some(({ direct, inner }) => direct > 0 || inner < 2)) return;
  const { folder } = layouts.find((layout) => basename(layout.folder) === 'train') ?? layouts[0];
  throw new DatasetFileError(
    path,
    `expected images in the class folders, but all of them hold folders alone: did you mean ${folder}?`,
  );
}

/** Lists the class folders of a folder, and the files beside them. What is ignored is in neither list. */
export function listClassFolders(path: string): Promise<{ folders: string[]; files: string[] }> {
  return list(path, []);
}

/** Lists all images under a folder, and notes what else is there. */
async function images(root: string, extensions: readonly string[], ignored: IgnoredEntry[]): Promise<string[]> {
  const found: { folder: string; files: string[] }[] = [];
  const walk = async (folder: string, parents: readonly string[]): Promise<void> => {
    const real = await realpath(folder);
    if (parents.includes(real)) return; // a link back to a folder that we are in
    const { folders, files } = await list(folder, ignored);
    const isImage = (file: string) => hasEnding(file, extensions);
    found.push({ folder, files: files.filter(isImage) });
    for (const file of files) {
      if (!isImage(file)) ignored.push({ path: join(folder, file), reason: 'no image by its ending' });
    }
    for (const name of folders) await walk(join(folder, name), [...parents, real]);
  };
  await walk(root, []);
  found.sort((a, b) => compareCodePoints(a.folder, b.folder));
  return found.flatMap(({ folder, files }) => files.map((file) => join(folder, file)));
}

/** Lists the folders and files in a folder, sorted. A link counts as what it leads to. Notes what is ignored. */
async function list(folder: string, ignored: IgnoredEntry[]): Promise<{ folders: string[]; files: string[] }> {
  const folders: string[] = [];
  const files: string[] = [];
  try {
    for (const name of (await readdir(folder)).sort(compareCodePoints)) {
      const kind = await stat(join(folder, name)).catch(() => undefined);
      if (name.startsWith('.')) ignored.push({ path: join(folder, name), reason: 'hidden' });
      else if (LEFT_BEHIND.includes(name)) {
        ignored.push({ path: join(folder, name), reason: 'left by a file manager' });
      } else if (kind?.isDirectory()) folders.push(name);
      else if (kind?.isFile()) files.push(name);
      else if (kind === undefined) ignored.push({ path: join(folder, name), reason: 'a broken link' });
    }
  } catch (cause) {
    throw new DatasetFileError(folder, 'expected a folder that can be read', { cause });
  }
  return { folders, files };
}

/** Compares by code points, as Python does and as UTF-8 bytes sort. JavaScript's own order differs beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
