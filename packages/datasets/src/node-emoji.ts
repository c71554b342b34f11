import { dirname, join } from 'node:path';
import { checkInteger } from './check';
import { DatasetFileError } from './errors';
import { type FileDataset, type FilesOptions, imageFiles } from './node-files';
import { exists, readBytes } from './node-read';

/** Settings of {@link emojiDataset}. */
export interface EmojiOptions extends FilesOptions {
  /** The folder of the npm package `emoji-datasource-google` (default: looked up from the working directory). */
  readonly root?: string;
  /** What the classes are (default `'subcategory'`, about 100; there are about 10 categories). */
  readonly classBy?: 'subcategory' | 'category';
  /** Leaves out classes with fewer images (default 1). */
  readonly minPerClass?: number;
  /** Whether skin-tone variations count as separate images (default false). */
  readonly skinVariations?: boolean;
}

/** The fields of an emoji in the package's list that are used here. */
interface Emoji {
  readonly image: string;
  readonly category: string;
  readonly subcategory: string;
  readonly has_img_google: boolean;
  readonly skin_variations?: Readonly<Record<string, { readonly image: string; readonly has_img_google: boolean }>>;
}

/**
 * Google's emoji from the npm package `emoji-datasource-google` (64 x 64, transparent), on white, kept in memory: a
 * small dataset with many classes. Classes are sorted by name; images are in the package's order.
 *
 * @throws DatasetFileError where the package is not found, its list is not as expected, or an image cannot be decoded
 * @throws RangeError for bad options, or where no class has `minPerClass` images
 */
export async function emojiDataset(options: EmojiOptions): Promise<FileDataset> {
  const { classBy = 'subcategory', minPerClass = 1, skinVariations = false, name = 'emoji', cache = true } = options;
  checkInteger('minPerClass', minPerClass, 1);
  const root = options.root ?? (await findPackage());
  const byClass = new Map<string, number>();
  const images: { file: string; className: string }[] = [];
  for (const emoji of await readList(join(root, 'emoji.json'))) {
    const variations = skinVariations ? Object.values(emoji.skin_variations ?? {}) : [];
    for (const { image, has_img_google } of [emoji, ...variations]) {
      if (!has_img_google) continue;
      const className = emoji[classBy];
      images.push({ file: join(root, 'img', 'google', '64', image), className });
      byClass.set(className, (byClass.get(className) ?? 0) + 1);
    }
  }
  const classes = [...byClass.keys()].filter((key) => byClass.get(key)! >= minPerClass).sort();
  if (classes.length === 0) {
    const most = Math.max(0, ...byClass.values());
    throw new RangeError(`minPerClass: expected at most ${most}, the largest ${classBy}, got ${minPerClass}`);
  }
  const chosen = images.filter(({ className }) => classes.includes(className));
  const labels = chosen.map(({ className }) => classes.indexOf(className));
  return imageFiles({ files: chosen.map(({ file }) => file), labels, classes }, { ...options, name, cache });
}

/** Finds the package in the nearest `node_modules` from the working directory upward. */
async function findPackage(): Promise<string> {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', 'emoji-datasource-google');
    if (await exists(join(root, 'emoji.json'))) return root;
    if (folder === dirname(folder)) break;
  }
  throw new DatasetFileError(
    'emoji-datasource-google',
    'expected this npm package to be installed, or its folder as root',
  );
}

async function readList(file: string): Promise<Emoji[]> {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(await readBytes(file)));
  } catch (cause) {
    if (cause instanceof DatasetFileError) throw cause;
    throw new DatasetFileError(file, 'expected JSON', { cause });
  }
  if (!Array.isArray(list)) throw new DatasetFileError(file, 'expected a list of emoji');
  return list.map((entry: unknown, i) => {
    if (!isEmoji(entry)) {
      throw new DatasetFileError(file, `expected image, category, subcategory and has_img_google in entry ${i}`);
    }
    return entry;
  });
}

function isEmoji(entry: unknown): entry is Emoji {
  if (typeof entry !== 'object' || entry === null) return false;
  const fields = entry as Record<string, unknown>;
  return (
    isImageName(fields.image) &&
    typeof fields.category === 'string' &&
    typeof fields.subcategory === 'string' &&
    typeof fields.has_img_google === 'boolean' &&
    Object.values(fields.skin_variations ?? {}).every((variation: unknown) =>
      isImageName((variation as { image?: unknown } | null)?.image),
    )
  );
}

/** Whether a value is a plain file name: the list must not lead out of the package's folder. */
function isImageName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]+\.png$/.test(value);
}
