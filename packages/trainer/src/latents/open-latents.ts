import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset, LatentRows } from '@learngene/datasets';
import { ConfigError, counted } from '@learngene/pipeline';
import { TensorFileError } from '@learngene/tensor-io';
import { fileSource, openSafetensorsFile, readSafetensors, sha256File } from '@learngene/tensor-io/node';
import { labelsHash } from './labels';
import { LABELS_FILE, type LatentManifest, type LatentShard, readLatentManifest, shardCount } from './manifest';
import { latentRows } from './rows';

/** A folder of latents that is open. */
export interface OpenLatents {
  /** What it holds. */
  readonly manifest: LatentManifest;
  /** The label of every image. */
  readonly labels: Int32Array;
  /** Its latents, as they are kept. */
  readonly rows: LatentRows;
}

/**
 * Opens a folder of latents. A shard is compared with its hash when it is first read.
 *
 * @throws ConfigError for a folder that is none or not complete; TensorFileError that names the file that is missing, damaged or
 *   not what the folder says
 */
export async function openLatents(folder: string): Promise<OpenLatents> {
  const manifest = await readLatentManifest(folder);
  const all = shardCount(manifest);
  if (manifest.shards.length < all) {
    throw new ConfigError(
      `${folder}: found ${manifest.shards.length} of ${counted(all, 'shard')}; run learngene data latents again, it goes on`,
    );
  }
  for (const shard of manifest.shards) await checkSize(join(folder, shard.file), shard.bytes);
  const labels = await readLabels(folder, manifest);
  return { manifest, labels, rows: shardRows(folder, manifest) };
}

/** The error of a file that the same call of `learngene data latents` writes again. */
function damaged(path: string, problem: string, cause?: unknown): TensorFileError {
  return new TensorFileError(path, `${problem}; run learngene data latents again, it writes what is damaged anew`, {
    cause,
  });
}

async function checkSize(path: string, bytes: number): Promise<void> {
  const found = await stat(path).catch((cause) => {
    throw damaged(path, 'missing', cause);
  });
  if (found.size !== bytes) throw damaged(path, `expected ${bytes} bytes, got ${found.size}`);
}

/**
 * Reads the labels of a folder of latents.
 *
 * @throws TensorFileError where they are missing, damaged, or not those of the manifest
 */
export async function readLabels(
  folder: string,
  { images, labels: hash, classes }: LatentManifest,
): Promise<Int32Array> {
  const path = join(folder, LABELS_FILE);
  if (!existsSync(path)) throw damaged(path, 'missing');
  const { tensors } = await readSafetensors(path, { names: ['labels'] }).catch((cause) => {
    throw damaged(path, 'the labels cannot be read', cause);
  });
  const labels = tensors.get('labels')?.data;
  if (!(labels instanceof Int32Array) || labels.length !== images || labelsHash(labels) !== hash) {
    throw damaged(path, `labels: expected those of the ${images} images in the folder's latents.json`);
  }
  const wrong = labels.find((label) => label < 0 || label >= classes.length);
  if (wrong !== undefined) {
    throw new TensorFileError(path, `labels: expected numbers of the ${classes.length} classes, got ${wrong}`);
  }
  return labels;
}

/** Shards stay in memory where all of them take no more bytes than this; else every row is read from its file. */
const MAX_BYTES = 2 ** 30;

/** Reads the numbers of a shard from one on. */
type ReadNumbers = (start: number, count: number) => Float32Array | Promise<Float32Array>;

function shardRows(folder: string, manifest: LatentManifest): LatentRows {
  const { shape, images, crops, mirrored, stored, shards, shardImages } = manifest;
  const hasDeviation = stored === 'mean-and-deviation';
  const views = crops * (mirrored ? 2 : 1);
  const row = [shape[0], shape[1], shape[2] * (hasDeviation ? 2 : 1)];
  const numbers = row.reduce((a, b) => a * b);
  const inMemory = shards.reduce((sum, { bytes }) => sum + bytes, 0) <= MAX_BYTES;
  const opened: (Promise<ReadNumbers> | undefined)[] = shards.map(() => undefined);
  const open = (shard: number) => {
    const count = Math.min(shardImages, images - shard * shardImages);
    return openShard(folder, shards[shard], { shape: [count, views, ...row], inMemory });
  };
  return latentRows({
    shape,
    size: images,
    crops,
    mirrored,
    hasDeviation,
    async copy(index, view, target, offset) {
      const shard = Math.floor(index / shardImages);
      opened[shard] ??= open(shard);
      const read = await (opened[shard] as Promise<ReadNumbers>);
      const place = (index - shard * shardImages) * views + view;
      target.set(await read(place * numbers, numbers), offset);
    },
  });
}

async function openShard(
  folder: string,
  { file, sha256 }: LatentShard,
  { shape: expected, inMemory }: { shape: readonly number[]; inMemory: boolean },
): Promise<ReadNumbers> {
  const path = join(folder, file);
  if ((await sha256File(path)) !== sha256) throw damaged(path, 'altered: its SHA-256 is another');
  const tensors = await openSafetensorsFile(path);
  try {
    const { dtype, shape, byteOffset } = tensors.info('latents');
    if (dtype !== 'F32' || shape.join() !== expected.join()) {
      throw new TensorFileError(path, `latents: expected F32 ${expected.join('x')}, got ${dtype} ${shape.join('x')}`);
    }
    if (!inMemory) return (start, count) => readNumbers(path, byteOffset + 4 * start, count);
    const { data } = await tensors.read('latents');
    return (start, count) => (data as Float32Array).subarray(start, start + count);
  } finally {
    await tensors.close();
  }
}

async function readNumbers(path: string, offset: number, count: number): Promise<Float32Array> {
  const source = await fileSource(path);
  try {
    const bytes = await source.read(offset, 4 * count);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  } finally {
    await source.close?.();
  }
}

/** The dataset that a folder of latents is of; its images are read by `images`, which opens them. */
export function datasetOfLatents(
  { manifest, labels, rows }: OpenLatents,
  images: () => Promise<ImageDataset>,
): ImageDataset {
  const { name, classes, imageShape } = manifest;
  const [height, width, channels] = imageShape;
  let opened: Promise<ImageDataset> | undefined;
  return {
    name,
    size: labels.length,
    height,
    width,
    channels,
    classes: [...classes],
    labels,
    latents: rows,
    async read(indices, reading) {
      opened ??= images();
      return (await opened).read(indices, reading);
    },
  };
}
