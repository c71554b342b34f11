import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type ClassTable,
  classCounts,
  type ImageDataset,
  listNames,
  mergeClasses,
  selectClasses,
} from '@learngene/datasets';
import {
  cifar,
  emojiDataset,
  FASHION_MNIST_CLASSES,
  type IgnoredEntry,
  idx,
  imageFolder,
  packed,
} from '@learngene/datasets/node';
import type { Config, Progress } from '@learngene/pipeline';
import { ConfigError, classLabels } from '@learngene/pipeline';
import { completeData, type DataRecipe } from './complete-data';

type DataConfig = Config['data'];

/** Size of images from files, in pixels, where neither the configuration nor a model gives one. */
const USUAL_SIZE = 32;

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

async function openSource(data: DataRecipe, progress: Progress): Promise<ImageDataset> {
  const { source, autoOrient, split: part, size = USUAL_SIZE, skinVariations } = data;
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
      const digits = await idx(path, { part });
      const fashion = /fashion/i.test(path) && digits.classes.length === FASHION_MNIST_CLASSES.length;
      const named = fashion ? { ...digits, classes: FASHION_MNIST_CLASSES } : digits;
      return nativeSize(named, data);
    }
    case 'cifar10':
      return nativeSize(await cifar(path, { variant: 'cifar-10', part }), data);
    case 'cifar100':
      return nativeSize(await cifar(path, { variant: 'cifar-100-fine', part }), data);
    case 'packed':
      return nativeSize(await packed(path), data);
    default:
      throw new Error(`data.source: unknown source ${String(source satisfies never)}`);
  }
}

/** Images that are listed but not yet decoded, and where they come from. */
export interface OpenData {
  /** All classes, superclasses merged and small classes left out; image files are decoded when read. */
  dataset: ImageDataset;
  /** The recipe that a run or a bundle keeps. */
  recipe: DataRecipe;
}

/**
 * Opens the configured data without decoding an image, so that classes and sizes are checked first.
 *
 * @param size - pixels a side of image files where the configuration names none: those of the model, else 32
 * @throws ConfigError as `completeData`, and DatasetFileError where files are missing or damaged
 */
export async function openData(
  data: Config['data'],
  progress: Progress,
  { size = USUAL_SIZE }: { size?: number } = {},
): Promise<OpenData> {
  const complete = await completeData(data, progress);
  const fromFiles = complete.source === 'folder' || complete.source === 'emoji';
  const recipe = fromFiles ? { ...complete, size: complete.size ?? size } : complete;
  let dataset = await openSource(recipe, progress);
  if (recipe.superclasses !== undefined) {
    dataset = mergeClasses(dataset, recipe.superclasses as ClassTable, { missing: 'drop' });
  }
  return { dataset: withoutSmallClasses(dataset, recipe.minPerClass, progress), recipe };
}

/** Leaves out classes with fewer images than `least`, and warns of those that have none. */
function withoutSmallClasses(dataset: ImageDataset, least: number, progress: Progress): ImageDataset {
  const counts = classCounts(dataset);
  const small = dataset.classes.filter((_, label) => counts[label] < least);
  if (small.length === 0) return dataset;
  const empty = small.filter((name) => counts[dataset.classes.indexOf(name)] === 0);
  if (empty.length === dataset.classes.length) {
    throw new Error(`${dataset.name}: expected images, got none in the classes ${listNames(empty)}`);
  }
  if (empty.length > 0) progress.warn(`${dataset.name}: classes without images are left out: ${listNames(empty, 20)}`);
  const kept = dataset.classes.filter((_, label) => counts[label] >= least);
  if (kept.length === 0) throw new ConfigError(`data.minPerClass: no class has ${least} images`);
  return selectClasses(dataset, kept);
}

/**
 * The named classes of a dataset.
 *
 * @throws ConfigError where none is named, one is named twice, or one is not there, with those that are
 */
export function chooseClasses(dataset: ImageDataset, classes: readonly string[], argument = 'classes'): ImageDataset {
  return selectClasses(dataset, classLabels(dataset.classes, classes, { owner: dataset.name, argument }));
}

/** The classes to pre-train on, as the dataset spells them: those named, or all that are not novel. */
export function pretrainingClasses(dataset: ImageDataset, data: DataConfig): readonly string[] {
  const labelsOf = (names: readonly string[], argument: string) =>
    classLabels(dataset.classes, names, { owner: dataset.name, argument });
  const nameOf = (label: number) => dataset.classes[label];
  const novel = data.novel.length === 0 ? [] : labelsOf(data.novel, 'data.novel');
  if (data.classes !== undefined) {
    const chosen = labelsOf(data.classes, 'data.classes');
    const both = chosen.filter((label) => novel.includes(label)).map(nameOf);
    if (both.length > 0) throw new ConfigError(`data: ${listNames(both)} cannot be both in classes and in novel`);
    return chosen.map(nameOf);
  }
  const rest = dataset.classes.filter((_, label) => !novel.includes(label));
  if (rest.length > 0) return rest;
  throw new ConfigError('data.novel: no class is left to pre-train on', { argument: 'data.novel' });
}
