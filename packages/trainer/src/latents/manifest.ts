import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, ConfigError, parseConfig, type RecipeAutoencoder } from '@learngene/pipeline';
import type { EnlargedRecord } from '@learngene/pipeline/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';

/** The autoencoder that latents are of, with the scale and the shift that a network is to see them by. */
export type LatentOrigin = RecipeAutoencoder & {
  /** Whether they were asked for when the images were encoded; else they are the autoencoder's own, and a training may choose. */
  readonly scaleGiven?: boolean;
};

/** Where the images of latents are: data whose kind is known. */
export type LatentData = Config['data'] & {
  /** The kind of data. */
  source: NonNullable<Config['data']['source']>;
};

/** What is kept of the Gaussian of an image: its mean, one draw from it, or mean and deviation, so that training draws anew. */
export const STORED_LATENTS = ['mean', 'sample', 'mean-and-deviation'] as const;

/** One of {@link STORED_LATENTS}. */
export type StoredLatents = (typeof STORED_LATENTS)[number];

/** Mean and standard deviation of all stored means. */
export interface LatentStatistics {
  /** The mean. */
  readonly mean: number;
  /** The standard deviation. */
  readonly deviation: number;
}

/** A file of latents. */
export interface LatentShard {
  /** Its name in the folder. */
  readonly file: string;
  /** Its SHA-256. */
  readonly sha256: string;
  /** Its size. */
  readonly bytes: number;
  /** The image files of it that were enlarged, where there are any. */
  readonly enlarged?: EnlargedRecord;
}

/** What decides the numbers of a folder of latents: all but its progress. */
export interface LatentSettings {
  /** The format of the folder. */
  readonly format: 1;
  /** The dataset's name. */
  readonly name: string;
  /** The names of its classes; a label is an index into it. */
  readonly classes: readonly string[];
  /** Images. */
  readonly images: number;
  /** SHA-256 of the labels, [images] as little-endian int32. */
  readonly labels: string;
  /** Height, width and channels of the images. */
  readonly imageShape: readonly [number, number, number];
  /** Height, width and channels of a latent. */
  readonly shape: readonly [number, number, number];
  /** The autoencoder. */
  readonly autoencoder: LatentOrigin;
  /** Where the images are. */
  readonly data: LatentData;
  /** What is kept. */
  readonly stored: StoredLatents;
  /** Seed of draws and crops. */
  readonly seed: number;
  /** Crops of every image; the first is the whole image. */
  readonly crops: number;
  /** Whether mirrored images are encoded too. */
  readonly mirrored: boolean;
  /** Images of a shard; the last may have fewer. */
  readonly shardImages: number;
}

/** What `latents.json` of a folder of latents holds. */
export interface LatentManifest extends LatentSettings {
  /** The shards that are written, in order. */
  readonly shards: readonly LatentShard[];
  /** Mean and standard deviation of all stored means, once all are there: what scale and shift may be chosen by. */
  readonly statistics?: LatentStatistics;
  /** The image files that were enlarged, once all shards are there and where there are any. */
  readonly enlarged?: EnlargedRecord;
}

/** The file that says what a folder of latents is. */
const LATENTS_FILE = 'latents.json';
/** The file with the labels. */
export const LABELS_FILE = 'labels.safetensors';

/** Shards of a folder of latents when it is complete. */
export function shardCount({ images, shardImages }: Pick<LatentSettings, 'images' | 'shardImages'>): number {
  return Math.ceil(images / shardImages);
}

const isWhole = (least: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least;
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isShape = (value: unknown) => Array.isArray(value) && value.length === 3 && value.every(isWhole(1));

type Check = readonly [expected: string, (value: unknown) => boolean];

const AUTOENCODER: Readonly<Record<string, Check>> = {
  path: ['a path or none', (value) => value === undefined || isText(value)],
  name: ['a name or none', (value) => value === undefined || isText(value)],
  hash: ['64 hexadecimal digits', isHash],
  imageChannels: ['a positive whole number', isWhole(1)],
  latentChannels: ['a positive whole number', isWhole(1)],
  downscale: ['a positive whole number', isWhole(1)],
  scalingFactor: ['a positive number', (value) => isNumber(value) && (value as number) > 0],
  shiftFactor: ['a number', isNumber],
  scaleGiven: ['true, false or none', (value) => value === undefined || typeof value === 'boolean'],
};

const ENLARGED: Check = [
  'images and smallest, or none',
  (value) =>
    value === undefined ||
    (isObject(value) &&
      isWhole(1)(value.images) &&
      Array.isArray(value.smallest) &&
      value.smallest.length === 2 &&
      value.smallest.every(isWhole(1))),
];

const SHARD: Readonly<Record<string, Check>> = {
  file: ['the name of a shard', (value) => typeof value === 'string' && /^latents-\d{5}\.safetensors$/.test(value)],
  sha256: ['64 hexadecimal digits', isHash],
  bytes: ['a positive whole number', isWhole(1)],
  enlarged: ENLARGED,
};

const MANIFEST: Readonly<Record<keyof LatentManifest, Check>> = {
  format: ['1', (value) => value === 1],
  name: ['a name', isText],
  classes: ['names of classes', (value) => Array.isArray(value) && value.length > 0 && value.every(isText)],
  images: ['a positive whole number', isWhole(1)],
  labels: ['64 hexadecimal digits', isHash],
  imageShape: ['three positive whole numbers', isShape],
  shape: ['three positive whole numbers', isShape],
  autoencoder: ['an object', isObject],
  data: ['an object', isObject],
  stored: [STORED_LATENTS.join(', '), (value) => (STORED_LATENTS as readonly unknown[]).includes(value)],
  seed: ['a whole number', isWhole(0)],
  crops: ['a positive whole number', isWhole(1)],
  mirrored: ['true or false', (value) => typeof value === 'boolean'],
  shardImages: ['a positive whole number', isWhole(1)],
  shards: ['a list of shards', (value) => Array.isArray(value) && value.every(isObject)],
  statistics: [
    'mean and deviation, or none',
    (value) => value === undefined || (isObject(value) && isNumber(value.mean) && isNumber(value.deviation)),
  ],
  enlarged: ENLARGED,
};

function check(file: string, value: Record<string, unknown>, checks: Readonly<Record<string, Check>>, at = ''): void {
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) {
    throw new ConfigError(`${file}: expected only ${Object.keys(checks).join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  for (const [name, [expected, holds]] of Object.entries(checks)) {
    if (holds(value[name])) continue;
    throw new ConfigError(`${file}: ${at}${name}: expected ${expected}, got ${JSON.stringify(value[name])}`);
  }
}

/** Whether a folder holds latents. */
export function isLatentFolder(path: string): boolean {
  return existsSync(join(path, LATENTS_FILE));
}

/**
 * Reads what a folder of latents is.
 *
 * @throws ConfigError for a folder that holds none, and naming the field that is missing, unknown or wrong
 */
export async function readLatentManifest(folder: string): Promise<LatentManifest> {
  const file = join(folder, LATENTS_FILE);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (!existsSync(file))
      throw new ConfigError(`${folder}: expected a folder of latents, which has a ${LATENTS_FILE}`);
    if (!(error instanceof SyntaxError)) throw new ConfigError(`${file}: cannot be read`, { cause: error });
    throw new ConfigError(
      `${file}: cut off or damaged, it cannot be read as JSON; remove it and run learngene data latents again`,
      { cause: error },
    );
  }
  if (!isObject(value)) throw new ConfigError(`${file}: expected a JSON object`);
  check(file, value, MANIFEST);
  const manifest = value as unknown as LatentManifest;
  check(file, { ...manifest.autoencoder }, AUTOENCODER, 'autoencoder.');
  for (const [i, shard] of manifest.shards.entries()) check(file, { ...shard }, SHARD, `shards[${i}].`);
  if (manifest.shards.length > shardCount(manifest)) {
    throw new ConfigError(`${file}: shards: expected at most ${shardCount(manifest)}, got ${manifest.shards.length}`);
  }
  const { data } = parseConfig({ data: manifest.data }, file);
  return { ...manifest, data: { ...data, source: manifest.data.source } };
}

/** Writes what a folder of latents is, whole or not at all. */
export async function writeLatentManifest(folder: string, manifest: LatentManifest): Promise<void> {
  await writeFileAtomic(join(folder, LATENTS_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}
