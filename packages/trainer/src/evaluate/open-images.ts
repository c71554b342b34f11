import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RawImage } from '@learngene/datasets';
import { readImageFile } from '@learngene/datasets/node';
import type { ImageBatch, ImageSource, ProtocolRules } from '@learngene/metrics';
import { openSamples } from '@learngene/metrics/node';
import { ConfigError, counted } from '@learngene/pipeline';

/** Images of a protocol, from a file or a folder. */
export interface OpenImages extends ImageSource {
  /** What is not read, in words; often empty. */
  readonly passedOver: readonly string[];
  /** Whether images may differ in size, so that one is read at a time. */
  readonly mixed?: boolean;
  /** Closes the file. */
  close(): Promise<void>;
}

/** How images of a folder are taken. */
export type FolderRules = Pick<ProtocolRules, 'sizes' | 'folders' | 'endings'>;

/**
 * Opens the images of an npz (`arr_0`), an npy or a folder, a batch at a time. The images of a folder are in the order of their
 * paths by code point, and have their own size; transparency is dropped, and the EXIF orientation has no part, as in Pillow's
 * `convert('RGB')`.
 *
 * @param name - how messages call the path
 * @throws ConfigError for a folder without images
 */
export async function openImages(name: string, path: string, rules: FolderRules): Promise<OpenImages> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ConfigError(`${name}: no such file or folder`);
  if (!found.isDirectory()) return { ...(await openSamples(path)), passedOver: [] };
  const { files, passedOver } = await listImages(path, rules);
  if (files.length === 0) {
    const rest = passedOver.length === 0 ? '' : ` (${passedOver.join('; ')})`;
    throw new ConfigError(`${name}: expected images (${rules.endings.join(' ')}), got none${rest}`);
  }
  const read = (start: number, end: number) => readBatch(files.slice(start, end));
  return { count: files.length, read, passedOver, mixed: rules.sizes === 'any', close: async () => {} };
}

const READ_OPTIONS = { background: 'ignore', autoOrient: false } as const;
/** Images that are decoded at a time. */
const AT_ONCE = 4;

async function readBatch(files: readonly string[]): Promise<ImageBatch> {
  const images: RawImage[] = [];
  for (let at = 0; at < files.length; at += AT_ONCE) {
    images.push(...(await Promise.all(files.slice(at, at + AT_ONCE).map((file) => readImageFile(file, READ_OPTIONS)))));
  }
  const [{ height, width, channels }] = images;
  const other = images.findIndex((image) => image.height !== height || image.width !== width);
  if (other >= 0) {
    const sizes = `${files[0]} is ${width}x${height} and ${files[other]} ${images[other].width}x${images[other].height}`;
    throw new ConfigError(`expected images of one size, as this protocol reads them in batches; ${sizes}`);
  }
  const size = height * width * channels;
  const data = new Uint8Array(size * files.length);
  for (const [i, image] of images.entries()) data.set(image.data, i * size);
  return { data, count: files.length, height, width, channels };
}

/** The images of a folder, and in words what else is in it. */
async function listImages(path: string, { folders, endings }: FolderRules) {
  const entries = await readdir(path, { recursive: folders === 'all', withFileTypes: true });
  const isImage = (name: string) => endings.some((ending) => name.toLowerCase().endsWith(ending));
  const places = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  const files = places.filter(({ entry }) => !entry.isDirectory() && isImage(entry.name)).map((place) => place.path);
  const others = places.filter(({ entry }) => !entry.isDirectory() && !isImage(entry.name)).map((place) => place.path);
  const inner = folders === 'all' ? [] : places.filter(({ entry }) => entry.isDirectory()).map((place) => place.path);
  const passedOver = [
    ...(others.length > 0
      ? [
          `${counted(others.length, 'file that is no image by its ending', 'files that are no images by their endings')}, such as ${basename(others[0])}`,
        ]
      : []),
    ...(inner.length > 0 ? [`${counted(inner.length, 'folder')}, such as ${basename(inner[0])}`] : []),
  ];
  return { files: files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), passedOver };
}
