import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type ClassTable,
  classCounts,
  DatasetFileError,
  holdOut,
  type ImageDataset,
  listNames,
  mergeClasses,
  selectClasses,
  subset,
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
import { classLabels } from '../cli/classes';
import { UsageError } from '../cli/errors';
import type { Output } from '../cli/output';
import type { Config } from '../config/schema';

type DataConfig = Config['data'];

/** The size that pictures from files are brought to when the configuration names none. */
const defaultSize = 32;

/** The folder of the npm package with the emoji pictures. */
function emojiRoot(path: string | undefined): string {
  if (path !== undefined) return path;
  for (const base of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(base).resolve('emoji-datasource-google/emoji.json'));
    } catch {
      // Looked for in the next place.
    }
  }
  throw new UsageError('data.source emoji: npm install emoji-datasource-google, or give its folder as data.path');
}

function neededPath(data: DataConfig): string {
  if (data.path === undefined) throw new UsageError(`data.path: needed for data.source ${data.source}`);
  return data.path;
}

/** Pictures in arrays have the size they have. */
function nativeSize(dataset: ImageDataset, data: DataConfig): ImageDataset {
  if (dataset.height !== dataset.width) {
    throw new UsageError(`data: expected square pictures, got ${dataset.height}x${dataset.width}`);
  }
  if (data.size !== undefined && data.size !== dataset.height) {
    throw new UsageError(
      `data.size: these pictures are ${dataset.height} pixels a side, got ${data.size}; leave it out`,
    );
  }
  return dataset;
}

/** How many of the files that were passed over are named. */
const mostNamed = 5;

function tellIgnored(ignored: readonly IgnoredEntry[], output: Output): void {
  if (ignored.length === 0) return;
  const named = ignored.slice(0, mostNamed).map(({ path, reason }) => `${path} (${reason})`);
  const more = ignored.length > mostNamed ? ` and ${ignored.length - mostNamed} more` : '';
  output.info(
    `Passed over ${ignored.length} that ${ignored.length === 1 ? 'is' : 'are'} no data: ${named.join(', ')}${more}`,
  );
}

async function openSource(data: DataConfig, output: Output): Promise<ImageDataset> {
  const { source, onCorrupt, autoOrient, split: part, size = defaultSize, skinVariations } = data;
  const bar = { current: undefined as ReturnType<Output['progress']> | undefined };
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    bar.current ??= output.progress('Decoding pictures', total, 'pictures');
    bar.current.update(done);
  };
  try {
    switch (source) {
      case 'emoji': {
        const root = emojiRoot(data.path);
        return await emojiDataset({ root, size, onCorrupt, skinVariations, cache: true, concurrency: 8, onProgress });
      }
      case 'folder': {
        const folder = await imageFolder(neededPath(data), {
          size,
          onCorrupt,
          autoOrient,
          allowEmpty: true,
          cache: true,
          onProgress,
        });
        if (folder.skipped.length > 0)
          output.warn(`${folder.skipped.length} pictures could not be read and were skipped`);
        tellIgnored(folder.ignored, output);
        return folder;
      }
      case 'idx': {
        const digits = await idx(neededPath(data), { part });
        const fashion = /fashion/i.test(neededPath(data)) && digits.classes.length === FASHION_MNIST_CLASSES.length;
        const named = fashion ? { ...digits, classes: FASHION_MNIST_CLASSES } : digits;
        return nativeSize(named, data);
      }
      case 'cifar10':
        return nativeSize(await cifar(neededPath(data), { variant: 'cifar-10', part }), data);
      case 'cifar100':
        return nativeSize(await cifar(neededPath(data), { variant: 'cifar-100-fine', part }), data);
      case 'packed':
        return nativeSize(await packed(neededPath(data)), data);
      default:
        throw new Error(`data.source: unknown source ${String(source satisfies never)}`);
    }
  } catch (error) {
    if (!(error instanceof DatasetFileError && error.isPicture)) throw error;
    throw new Error(`${error.message}; --set data.onCorrupt=skip leaves such pictures out`, { cause: error });
  } finally {
    bar.current?.stop();
  }
}

async function readTable(path: string): Promise<ClassTable> {
  let table: unknown;
  try {
    table = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`data.superclasses ${path}: cannot be read as JSON`, { cause: error });
  }
  const valid =
    typeof table === 'object' &&
    table !== null &&
    Object.values(table).every((names) => Array.isArray(names) && names.every((name) => typeof name === 'string'));
  if (!valid) throw new UsageError(`data.superclasses ${path}: expected { superclass: [class, ...], ... }`);
  return table as ClassTable;
}

/** All classes of the configured data, superclasses merged and small classes left out. */
export async function openDataset(data: DataConfig, output: Output): Promise<ImageDataset> {
  let dataset = await openSource(data, output);
  if (data.superclasses !== undefined) {
    dataset = mergeClasses(dataset, await readTable(data.superclasses), { missing: 'drop' });
  }
  return withoutSmallClasses(dataset, data.minPerClass, output);
}

/** Leaves out classes with fewer pictures than `least`, and warns of those that have none. */
function withoutSmallClasses(dataset: ImageDataset, least: number, output: Output): ImageDataset {
  const counts = classCounts(dataset);
  const small = dataset.classes.filter((_, label) => counts[label] < least);
  if (small.length === 0) return dataset;
  const empty = small.filter((name) => counts[dataset.classes.indexOf(name)] === 0);
  if (empty.length === dataset.classes.length) {
    throw new Error(`${dataset.name}: expected pictures, got none in the classes ${listNames(empty)}`);
  }
  if (empty.length > 0) output.warn(`${dataset.name}: classes without pictures are left out: ${listNames(empty, 20)}`);
  const kept = dataset.classes.filter((_, label) => counts[label] >= least);
  if (kept.length === 0) throw new UsageError(`data.minPerClass: no class has ${least} pictures`);
  return selectClasses(dataset, kept);
}

/** A part of the data: what is trained on, and what is kept for evaluation. */
export interface DataPart {
  train: ImageDataset;
  heldOut: ImageDataset;
}

/**
 * The named classes of a dataset.
 *
 * @throws UsageError where none is named, one is named twice, or one is not there, with those that are
 */
export function chooseClasses(dataset: ImageDataset, classes: readonly string[], argument = 'classes'): ImageDataset {
  return selectClasses(dataset, classLabels(dataset.classes, classes, { owner: dataset.name, argument }));
}

/**
 * Some classes of a dataset, a fixed fraction of each held out for evaluation. A class keeps one picture at least.
 *
 * @throws UsageError for unknown classes, and where nothing is left to train on
 */
export function partOf(dataset: ImageDataset, classes: readonly string[], config: Config): DataPart {
  const chosen = chooseClasses(dataset, classes);
  if (chosen.size === 0) throw new UsageError(`data: ${listNames(classes)}: expected pictures, got none`);
  if (config.data.holdOut === 0) return { train: chosen, heldOut: subset(chosen, []) };
  if (config.data.holdOut === 1) throw new UsageError('data.holdOut: expected below 1, got 1: nothing to train on');
  return holdOut(chosen, { fraction: config.data.holdOut, seed: config.seed });
}

/** The classes to pre-train on, as the dataset spells them: those named, or all that are not novel. */
export function pretrainingClasses(dataset: ImageDataset, data: DataConfig): readonly string[] {
  const labelsOf = (names: readonly string[], argument: string) =>
    classLabels(dataset.classes, names, { owner: dataset.name, argument });
  const nameOf = (label: number) => dataset.classes[label];
  const novel = data.novel.length === 0 ? [] : labelsOf(data.novel, 'novel');
  if (data.classes !== undefined) {
    const chosen = labelsOf(data.classes, 'classes');
    const both = chosen.filter((label) => novel.includes(label)).map(nameOf);
    if (both.length > 0) throw new UsageError(`data: ${listNames(both)} cannot be both in classes and in novel`);
    return chosen.map(nameOf);
  }
  const rest = dataset.classes.filter((_, label) => !novel.includes(label));
  if (rest.length === 0) throw new UsageError('novel: no class is left to pre-train on');
  return rest;
}

/**
 * A view in which all classes have as many pictures as the largest: pictures of small classes come several times an
 * epoch, so that every class's tailors get as many samples.
 */
export function balanceClasses(dataset: ImageDataset): ImageDataset {
  const counts = classCounts(dataset);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const members: number[][] = dataset.classes.map(() => []);
  dataset.labels.forEach((label, index) => {
    members[label].push(index);
  });
  const indices = members.flatMap((own) =>
    Array.from({ length: own.length === 0 ? 0 : most }, (_, i) => own[i % own.length]),
  );
  return subset(dataset, indices);
}
