import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatasetFileError, parseClassNames, parseClassTable } from '@learngene/datasets';
import { type DatasetKind, detectDataset, isShardPattern, SHIPPED_SUPERCLASSES } from '@learngene/datasets/node';
import type { Config, Progress } from '@learngene/pipeline';
import { ConfigError } from '@learngene/pipeline';
import { identify } from '@learngene/pipeline/node';

/** The data section of a configuration. */
export type DataConfig = Config['data'];

/**
 * The data section with kind and absolute path, as a run or a bundle keeps it, so that the data are found from any
 * folder.
 */
export interface DataRecipe extends DataConfig {
  /** The kind of the data. */
  source: NonNullable<DataConfig['source']>;
}

/** The word for the names of ImageNet's classes. */
const IMAGENET = 'imagenet';

const KIND_WORDS: Readonly<Record<DatasetKind, string>> = {
  emoji: 'the package of emoji',
  folder: 'a folder of class folders',
  idx: 'IDX files of the MNIST family',
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  packed: 'packed arrays',
  webdataset: 'tar shards',
};

/** Reads a table of a file: of superclasses, or of names. */
async function readTable<T>(argument: string, path: string, parse: (text: string, name: string) => T): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`${argument} ${path}: the file cannot be read (${code})`, { argument, cause });
  }
  try {
    return parse(text, path);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(`${argument} ${cause.message}`, { argument, cause });
  }
}

/** The names and superclasses of a recipe: those of files are read, what is shipped stays a word. */
async function readTables({ superclasses, classNames }: DataConfig): Promise<Partial<DataConfig>> {
  const isShipped = (SHIPPED_SUPERCLASSES as readonly unknown[]).includes(superclasses);
  return {
    ...(typeof superclasses === 'string' && !isShipped
      ? { superclasses: { ...(await readTable('data.superclasses', superclasses, parseClassTable)) } as never }
      : {}),
    ...(typeof classNames === 'string' && classNames !== IMAGENET
      ? { classNames: { ...(await readTable('data.classNames', classNames, parseClassNames)) } }
      : {}),
  };
}

/** Throws where a path holds the result of a command and not data. A run, for example, has folders with images too. */
export async function refuseArtifact(path: string, argument: string): Promise<void> {
  if (!existsSync(path)) return;
  const { kind, what } = await identify(path).catch(() => ({ kind: 'images', what: '' }));
  if (kind === 'images' || kind === 'other') return;
  throw new ConfigError(`${argument} ${path}: expected images; this is ${what}`, { argument });
}

/** A path from any folder; an address of shards stays as it is. */
const placeOf = (path: string) => (isShardPattern(path) && /^https?:/.test(path) ? path : resolve(path));

/** Throws where nothing is at the path of data of a known kind, or a folder in place of a file or the reverse. */
function checkPlace(path: string, source: DatasetKind): void {
  const argument = 'data.path';
  if (source === 'webdataset') {
    if (isShardPattern(path)) return;
    throw new ConfigError(`${argument} ${path}: expected tar shards, as train-{000..009}.tar`, { argument });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new ConfigError(`${argument} ${path}: no such file or folder`, { argument, code: 'data-missing' });
  }
  if (found.isDirectory() === (source !== 'packed')) return;
  const [expected, got] = source === 'packed' ? ['a file', 'a folder'] : ['a folder', 'a file'];
  throw new ConfigError(`${argument} ${path}: expected ${expected} of ${KIND_WORDS[source]}, this is ${got}`, {
    argument,
  });
}

async function kindAt(path: string, progress: Progress): Promise<DatasetKind> {
  try {
    const { kind, by } = await detectDataset(path);
    progress.info(`Data: ${KIND_WORDS[kind]} (${by}) in ${path}`);
    return kind;
  } catch (error) {
    if (!(error instanceof DatasetFileError)) throw error;
    throw new ConfigError(`data ${error.message}`, { argument: 'data', cause: error });
  }
}

/**
 * Data as they are kept in a recipe: the kind is named or detected, the path absolute, the tables of names and superclasses inside.
 * There are no data by default.
 *
 * @throws ConfigError where neither a kind nor a path is given, or the path that a kind needs is missing
 */
export async function completeData(data: DataConfig, progress: Progress): Promise<DataRecipe> {
  const path = data.path === undefined ? undefined : placeOf(data.path);
  if (data.source === undefined && path === undefined) {
    throw new ConfigError(
      'data: no data given; give a path (a folder of class folders, of IDX or CIFAR files, an .npz or .safetensors file) or emoji',
      { argument: 'data' },
    );
  }
  if (data.source !== undefined && data.source !== 'emoji' && path === undefined) {
    throw new ConfigError(`data.path: needed for data.source ${data.source}`, { argument: 'data.path' });
  }
  if (path !== undefined && data.source !== undefined) checkPlace(path, data.source);
  if (path !== undefined) await refuseArtifact(path, data.source === undefined ? 'data' : 'data.path');
  const source = data.source ?? (await kindAt(path as string, progress));
  return { ...data, source, ...(path === undefined ? {} : { path }), ...(await readTables(data)) };
}
