import { dirname, join } from 'node:path';
import { checkInteger } from './check';
import { CODE_POINTS, emojiCharacter } from './emoji-character';
import { DatasetFileError } from './errors';
import { type FileDataset, type FilesOptions, imageFiles } from './node-files';
import { exists, readBytes } from './node-read';

/** Who drew the emoji: Google's Noto (Apache-2.0), or Twemoji (CC-BY 4.0). */
export type EmojiStyle = 'google' | 'twitter';

/** Settings of {@link emojiDataset}. */
export interface EmojiOptions extends FilesOptions {
  /** Who drew the emoji (default `'google'`). */
  readonly style?: EmojiStyle;
  /** The folder of the style's npm package, `emoji-datasource-<style>` (default: looked up from the working directory). */
  readonly root?: string;
  /** What the classes are (default `'subcategory'`, about 100; there are about 10 categories). */
  readonly classBy?: 'subcategory' | 'category';
  /** Leaves out classes with fewer images (default 1). */
  readonly minPerClass?: number;
  /** Whether skin-tone variations count as separate images (default false). */
  readonly skinVariations?: boolean;
}

/** A dataset of emoji. */
export interface EmojiDataset extends FileDataset {
  /** The character of every image, [size]; see {@link emojiCharacter}. Those of all skin tones are one character. */
  readonly characters: readonly string[];
}

/** An image of the package's list; `has_img_<style>` says whether the style has it. */
interface EmojiImage {
  readonly image: string;
}

/** The fields of an emoji in the package's list that are used here. */
interface Emoji extends EmojiImage {
  readonly unified: string;
  readonly category: string;
  readonly subcategory: string;
  readonly skin_variations?: Readonly<Record<string, EmojiImage>>;
}

const STYLES: readonly EmojiStyle[] = ['google', 'twitter'];

/**
 * Emoji from the npm package `emoji-datasource-google` or `emoji-datasource-twitter` (64 x 64, transparent), on white,
 * kept in memory: a small dataset with many classes. Classes are sorted by name; images are in the package's order.
 *
 * @throws DatasetFileError where the package is not found, its list is not as expected, or an image cannot be decoded
 * @throws RangeError for bad options, or where no class has `minPerClass` images
 */
export async function emojiDataset(options: EmojiOptions): Promise<EmojiDataset> {
  const { classBy = 'subcategory', minPerClass = 1, skinVariations = false, name = 'emoji', cache = true } = options;
  const { style = 'google' } = options;
  checkInteger('minPerClass', minPerClass, 1);
  if (!STYLES.includes(style)) throw new RangeError(`style: expected ${STYLES.join(' or ')}, got '${style}'`);
  const root = options.root ?? (await findPackage(`emoji-datasource-${style}`));
  const byClass = new Map<string, number>();
  const images: { file: string; className: string; character: string }[] = [];
  for (const emoji of await readList(join(root, 'emoji.json'), style)) {
    const variations = skinVariations ? Object.values(emoji.skin_variations ?? {}) : [];
    for (const drawn of [emoji, ...variations]) {
      if (!isDrawn(drawn, style)) continue;
      const className = emoji[classBy];
      const file = join(root, 'img', style, '64', drawn.image);
      images.push({ file, className, character: emojiCharacter(emoji.unified) });
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
  const files = chosen.map(({ file }) => file);
  const dataset = await imageFiles({ files, labels, classes }, { ...options, name, cache });
  const characterOf = new Map(chosen.map(({ file, character }) => [file, character]));
  return { ...dataset, characters: dataset.files.map((file) => characterOf.get(file) as string) };
}

/** Finds a package in the nearest `node_modules` from the working directory upward. */
async function findPackage(name: string): Promise<string> {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', name);
    if (await exists(join(root, 'emoji.json'))) return root;
    if (folder === dirname(folder)) break;
  }
  throw new DatasetFileError(name, 'expected this npm package to be installed, or its folder as root');
}

async function readList(file: string, style: EmojiStyle): Promise<Emoji[]> {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(await readBytes(file)));
  } catch (cause) {
    if (cause instanceof DatasetFileError) throw cause;
    throw new DatasetFileError(file, 'expected JSON', { cause });
  }
  if (!Array.isArray(list)) throw new DatasetFileError(file, 'expected a list of emoji');
  return list.map((entry: unknown, i) => {
    if (!isEmoji(entry, style)) {
      const fields = `image, unified, category, subcategory and has_img_${style}`;
      throw new DatasetFileError(file, `expected ${fields} in entry ${i}`);
    }
    return entry;
  });
}

function isEmoji(entry: unknown, style: EmojiStyle): entry is Emoji {
  if (!isImage(entry, style)) return false;
  const { unified, category, subcategory, skin_variations = {} } = entry as EmojiImage & Record<string, unknown>;
  return (
    typeof unified === 'string' &&
    CODE_POINTS.test(unified) &&
    typeof category === 'string' &&
    typeof subcategory === 'string' &&
    Object.values(skin_variations as object).every((variation: unknown) => isImage(variation, style))
  );
}

function isImage(entry: unknown, style: EmojiStyle): entry is EmojiImage {
  if (typeof entry !== 'object' || entry === null) return false;
  const fields = entry as Record<string, unknown>;
  return isImageName(fields.image) && typeof fields[`has_img_${style}`] === 'boolean';
}

function isDrawn(image: EmojiImage, style: EmojiStyle): boolean {
  return (image as unknown as Record<string, unknown>)[`has_img_${style}`] === true;
}

/** Whether a value is a plain file name: the list must not lead out of the package's folder. */
function isImageName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]+\.png$/.test(value);
}
