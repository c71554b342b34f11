import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type ImageDataset, renameClasses } from '@learngene/datasets';
import {
  cifar,
  emojiDataset,
  FASHION_MNIST_CLASSES,
  type IgnoredEntry,
  idx,
  imageFolder,
  imageNetNames,
  packed,
  tarShards,
} from '@learngene/datasets/node';
import type { Config, Progress } from '@learngene/pipeline';
import { ConfigError } from '@learngene/pipeline';
import type { DataRecipe } from './complete-data';

type DataConfig = Config['data'];

/** Size of images from files, in pixels, where neither the configuration nor a model gives one. */
export const USUAL_SIZE = 32;

/** The folder of the npm package with the emoji images. */
function emojiRoot(path: string | undefined): string {
  if (path !== undefined) return path;
  for (const base of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(base).resolve('emoji-datasource-google/emoji.json'));
    } catch {
      // Looked for in the next place.
    }
  }
  throw new ConfigError('data.source emoji: npm install emoji-datasource-google, or give its folder as data.path');
}

/** Images in arrays have the size they have. */
function nativeSize(dataset: ImageDataset, data: DataConfig): ImageDataset {
  if (dataset.height !== dataset.width) {
    throw new ConfigError(`data: expected square images, got ${dataset.height}x${dataset.width}`);
  }
  if (data.size !== undefined && data.size !== dataset.height) {
    throw new ConfigError(
      `data.size: these images are ${dataset.height} pixels a side, got ${data.size}; leave it out`,
    );
  }
  return dataset;
}

/** How many ignored files a message names. */
const MOST_NAMED = 5;

function tellIgnored(ignored: readonly IgnoredEntry[], progress: Progress): void {
  if (ignored.length === 0) return;
  const named = ignored.slice(0, MOST_NAMED).map(({ path, reason }) => `${path} (${reason})`);
  const more = ignored.length > MOST_NAMED ? ` and ${ignored.length - MOST_NAMED} more` : '';
  progress.info(
    `Passed over ${ignored.length} that ${ignored.length === 1 ? 'is' : 'are'} no data: ${named.join(', ')}${more}`,
  );
}

/** Throws where the data of a kind have no such variant. */
function checkVariant({ source, variant }: DataRecipe): void {
  if (variant === undefined) return;
  const isCifar = variant === 'fine' || variant === 'coarse';
  if (source === (isCifar ? 'cifar100' : 'idx')) return;
  const owner = isCifar ? 'cifar100' : 'idx (a set of EMNIST)';
  throw new ConfigError(`data.variant: ${variant} is one of data.source ${owner}, not of ${source}`, {
    argument: 'data.variant',
  });
}

/** Lists the images of a kind at its place, all classes with the names that the recipe gives them. */
export async function openSource(data: DataRecipe, progress: Progress): Promise<ImageDataset> {
  const dataset = await listSource(data, progress);
  if (data.classNames === undefined) return dataset;
  try {
    return renameClasses(dataset, await namesOf(data.classNames));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(`data.classNames: ${cause.message}`, { argument: 'data.classNames', cause });
  }
}

/** Names by class; those of ImageNet by wnid, and by number. */
async function namesOf(classNames: NonNullable<DataConfig['classNames']>): Promise<Readonly<Record<string, string>>> {
  if (typeof classNames !== 'string') return classNames;
  const names = [...(await imageNetNames())];
  return Object.fromEntries(
    names.flatMap(([wnid, name], index) => [[wnid, name] as const, [`${index}`, name] as const]),
  );
}

/** Lists the images of a kind at its place, all classes as they lie there. */
async function listSource(data: DataRecipe, progress: Progress): Promise<ImageDataset> {
  const { source, autoOrient, split: part, variant, size = USUAL_SIZE, skinVariations } = data;
  checkVariant(data);
  const path = data.path ?? '';
  switch (source) {
    case 'emoji':
      return emojiDataset({ root: emojiRoot(data.path), size, skinVariations, cache: false, concurrency: 8 });
    case 'folder': {
      const folder = await imageFolder(path, { size, autoOrient, allowEmpty: true });
      tellIgnored(folder.ignored, progress);
      return folder;
    }
    case 'idx': {
      const digits = await idx(path, { part, variant });
      const fashion = /fashion/i.test(path) && digits.classes.length === FASHION_MNIST_CLASSES.length;
      const named = fashion ? { ...digits, classes: FASHION_MNIST_CLASSES } : digits;
      return nativeSize(named, data);
    }
    case 'cifar10':
      return nativeSize(await cifar(path, { variant: 'cifar-10', part }), data);
    case 'cifar100':
      return nativeSize(
        await cifar(path, { variant: variant === 'coarse' ? 'cifar-100-coarse' : 'cifar-100-fine', part }),
        data,
      );
    case 'packed':
      return nativeSize(await packed(path), data);
    case 'webdataset':
      if (data.onCorrupt === 'skip') {
        throw new ConfigError(
          'data.onCorrupt: images of shards are decoded in the training, expected error, got skip',
          {
            argument: 'data.onCorrupt',
          },
        );
      }
      try {
        return await tarShards(path, { size, autoOrient });
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        throw new ConfigError(`data.path ${cause.message}`, { argument: 'data.path', cause });
      }
    default:
      throw new Error(`data.source: unknown source ${String(source satisfies never)}`);
  }
}
