import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetFileError, type EnlargedImage, type ImageDataset, type ReadOptions } from '@learngene/datasets';
import { ConfigError, counted, type Progress } from '@learngene/pipeline';
import {
  type AutoencoderConfig,
  type AutoencoderFiles,
  describeAutoencoder,
  loadAutoencoder,
} from '@learngene/pipeline/node';
import { createGenerator, normal, stream } from '@learngene/random';
import { readSafetensors, sha256File, writeSafetensors } from '@learngene/tensor-io/node';
import type { Autoencoder } from '@learngene/vae';
import { checkMemory } from '../check-memory';
import { enlargedInAll, enlargedRecord, warnOfEnlarged } from '../enlarged';
import { interruptedBy } from '../errors';
import { type CropSource, cropOf } from './crops';
import { encodeImages, latentShape, type Shape } from './encode';
import { labelsHash } from './labels';
import { startFolder } from './latent-folder';
import {
  type LatentData,
  type LatentManifest,
  type LatentSettings,
  type StoredLatents,
  shardCount,
  writeLatentManifest,
} from './manifest';
import { networkInput } from './network-input';

/** What {@link encodeFolder} encodes. */
export interface EncodeFolderOptions {
  /** Images that are listed but not decoded. */
  dataset: ImageDataset;
  /** The same images larger, for crops; needed for more than one. */
  larger?: ImageDataset;
  /** Where the images are. */
  data: LatentData;
  /** The autoencoder. */
  autoencoder: AutoencoderFiles;
  /** Scale and shift that a network is to see the latents by; they are recorded (default: the autoencoder's own). */
  scale?: Pick<AutoencoderConfig, 'scalingFactor' | 'shiftFactor'>;
  /** What is kept of every image. */
  stored: StoredLatents;
  /** Seed of draws and crops. */
  seed: number;
  /** Crops of every image; the first is the whole image. */
  crops: number;
  /** Whether mirrored images are encoded too. */
  mirrored: boolean;
  /** Images of a shard. */
  shardImages: number;
  /** Images that are encoded at a time. */
  batchSize: number;
  /** Takes notes and a bar. */
  progress: Progress;
  /** Stops between two batches; what is written stays, and the next call goes on. */
  signal: AbortSignal;
}

/**
 * Encodes images into a folder of shards. A folder that was interrupted goes on after its last whole shard, to the bytes that an
 * unbroken run has. Needs an engine.
 *
 * @returns what the folder holds
 * @throws ConfigError for images that the autoencoder does not take, for a folder that holds anything else or other latents, and
 *   for images that may be skipped, whose labels could not be kept in step; InterruptedError after an abort
 */
export async function encodeFolder(folder: string, options: EncodeFolderOptions): Promise<LatentManifest> {
  const { progress, signal } = options;
  const settings = latentSettings(options);
  let manifest = await startFolder(folder, settings, options);
  const all = shardCount(settings);
  const { length: found } = manifest.shards;
  if (found > 0) progress.info(`${folder}: found ${found} of ${counted(all, 'shard')}`);
  const { autoencoder } = loadAutoencoder(options.autoencoder);
  const bar = progress.startBar('Encoding images', settings.images, 'images');
  try {
    for (let shard = found; shard < all; shard++) {
      const file = `latents-${String(shard).padStart(5, '0')}.safetensors`;
      const start = shard * settings.shardImages;
      const end = Math.min(settings.images, start + settings.shardImages);
      const small = new Map<string, EnlargedImage>();
      const data = await encodeShard(autoencoder, options, {
        start,
        end,
        onImages: (done) => bar.update(done),
        onEnlarged: (image) => small.set(image.file, image),
      });
      const path = join(folder, file);
      const shape = [end - start, data.length / (end - start) / numbersOf(settings), ...storedShape(settings)];
      await writeSafetensors(path, new Map([['latents', { dtype: 'F32', shape, data }]]));
      const written = { file, sha256: await sha256File(path), bytes: (await stat(path)).size };
      const enlarged = enlargedRecord([...small.values()]);
      const entry = { ...written, ...(enlarged && { enlarged }) };
      manifest = { ...manifest, shards: [...manifest.shards, entry] };
      await writeLatentManifest(folder, manifest);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw interruptedBy(
      signal,
      `interrupted after ${manifest.shards.length} of ${counted(all, 'shard')}; the same call goes on`,
    );
  } finally {
    bar.stop();
    autoencoder.dispose();
  }
  if (manifest.statistics === undefined) {
    const enlarged = enlargedInAll(manifest.shards.map((shard) => shard.enlarged));
    const statistics = await latentStatistics(folder, manifest);
    manifest = { ...manifest, statistics, ...(enlarged && { enlarged }) };
    await writeLatentManifest(folder, manifest);
  }
  warnOfEnlarged(manifest.enlarged, options.dataset, progress);
  return manifest;
}

/** Mean and standard deviation of all means that a folder keeps. */
async function latentStatistics(folder: string, { shards, shape, stored }: LatentManifest) {
  const position = storedShape({ shape, stored })[2];
  let [count, sum, squares] = [0, 0, 0];
  for (const { file } of shards) {
    const { tensors } = await readSafetensors(join(folder, file), { names: ['latents'] });
    const values = tensors.get('latents')?.data as Float32Array;
    for (let i = 0; i < values.length; i++) {
      if (i % position >= shape[2]) continue;
      count++;
      sum += values[i];
      squares += values[i] ** 2;
    }
  }
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / count - mean ** 2)) };
}

/** Channels of a row with all that is kept. */
function storedShape({ shape, stored }: Pick<LatentSettings, 'shape' | 'stored'>): Shape {
  return [shape[0], shape[1], shape[2] * (stored === 'mean-and-deviation' ? 2 : 1)];
}

function numbersOf(settings: Pick<LatentSettings, 'shape' | 'stored'>): number {
  return storedShape(settings).reduce((a, b) => a * b);
}

/** What cures images of which some cannot be read. */
const PREPARE_FIRST = 'write those that can be read by learngene data prepare first';

/** Throws where the latents of a shard, which are one array, are larger than the memory. */
function checkShardMemory(settings: LatentSettings): void {
  const { images, shardImages, crops, mirrored } = settings;
  const views = crops * (mirrored ? 2 : 1);
  const count = Math.min(images, shardImages);
  const what = `latents of ${counted(count, 'image')} of a shard, ${counted(views, 'view')} of each,`;
  checkMemory(crops > 1 ? 'crops' : 'shardImages', what, 4 * count * views * numbersOf(settings));
}

/**
 * What decides the numbers of a folder of latents.
 *
 * @throws ConfigError for images that the autoencoder does not take, for what it cannot give, for images that may be skipped, and
 *   for shards larger than the memory
 */
export function latentSettings(options: Omit<EncodeFolderOptions, 'signal'>): LatentSettings {
  const { dataset, data, stored, seed, crops, mirrored, shardImages } = options;
  const { scale = {} } = options;
  const { config } = options.autoencoder;
  const scaleGiven = scale.scalingFactor !== undefined || scale.shiftFactor !== undefined;
  const autoencoder = { ...describeAutoencoder(options.autoencoder, scale), ...(scaleGiven && { scaleGiven }) };
  networkInput({ autoencoder }, dataset); // refuses images that it does not take
  if (data.onCorrupt === 'skip') {
    throw new ConfigError(`data.onCorrupt: latents need every image, got skip; ${PREPARE_FIRST}`);
  }
  if (stored !== 'mean' && config.type === 'tiny') {
    throw new ConfigError(`stored: a tiny autoencoder has no variance; expected mean, got ${stored}`);
  }
  const imageShape = [dataset.height, dataset.width, dataset.channels] as const;
  const settings: LatentSettings = {
    format: 1,
    name: dataset.name,
    classes: [...dataset.classes],
    images: dataset.size,
    labels: labelsHash(dataset.labels),
    imageShape,
    shape: latentShape(autoencoder, imageShape) as [number, number, number],
    autoencoder,
    data,
    stored,
    seed,
    crops,
    mirrored,
    shardImages,
  };
  checkShardMemory(settings);
  return settings;
}

/** The images of a shard, and who is told of them. */
interface ShardRange {
  start: number;
  end: number;
  onImages: (done: number) => void;
  onEnlarged: (image: EnlargedImage) => void;
}

async function encodeShard(
  autoencoder: Autoencoder,
  options: EncodeFolderOptions,
  { start, end, onImages, onEnlarged }: ShardRange,
): Promise<Float32Array> {
  const { dataset, crops, mirrored, stored, batchSize, signal } = options;
  const shape: Shape = [dataset.height, dataset.width, dataset.channels];
  const views = crops * (mirrored ? 2 : 1);
  const moments = stored === 'mean' ? 'mean' : 'mean-and-deviation';
  let shard: Float32Array | undefined;
  for (let first = start; first < end; first += batchSize) {
    signal.throwIfAborted();
    const indices = Array.from({ length: Math.min(batchSize, end - first) }, (_, i) => first + i);
    for (let view = 0; view < views; view++) {
      const crop = view % crops;
      const reading = view === 0 ? { onEnlarged } : {};
      const images = await readCrop(options, { indices, crop, reading }).catch((error: unknown) => {
        throw isUnreadableImage(error) ? unreadableImage(error) : error;
      });
      const encoded = await encodeImages(autoencoder, images, { shape, mirror: view >= crops, moments });
      const rows = stored === 'sample' ? drawOnce(encoded, options, { indices, view }) : encoded;
      const numbers = rows.length / indices.length;
      shard ??= new Float32Array((end - start) * views * numbers);
      for (const [i, index] of indices.entries()) {
        shard.set(rows.subarray(i * numbers, (i + 1) * numbers), ((index - start) * views + view) * numbers);
      }
    }
    onImages(first + indices.length);
  }
  return shard as Float32Array;
}

const isUnreadableImage = (error: unknown): error is DatasetFileError =>
  error instanceof DatasetFileError && error.isImage;

/** The error of an image that cannot be read, with what to do. */
function unreadableImage(cause: DatasetFileError): DatasetFileError {
  const { file, message } = cause;
  const problem = message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message;
  const cure = `latents need every image; ${PREPARE_FIRST} (data.onCorrupt: skip)`;
  return new DatasetFileError(file, `${problem}; ${cure}`, { cause, isImage: true });
}

async function readCrop(
  { dataset, larger, seed }: EncodeFolderOptions,
  { indices, crop, reading }: { indices: readonly number[]; crop: number; reading: ReadOptions },
): Promise<Uint8Array> {
  if (crop === 0) return dataset.read(indices, reading);
  if (larger === undefined) throw new Error('larger: expected larger images for more than one crop, got none');
  const source: CropSource = { height: larger.height, width: larger.width, channels: larger.channels };
  const target = { height: dataset.height, width: dataset.width };
  const images = await larger.read(indices);
  const bytes = source.height * source.width * source.channels;
  const cropped = new Uint8Array(indices.length * target.height * target.width * source.channels);
  const each = cropped.length / indices.length;
  for (const [i, index] of indices.entries()) {
    const image = images.subarray(i * bytes, (i + 1) * bytes);
    cropped.set(cropOf(image, source, { ...target, seed, index, crop }), i * each);
  }
  return cropped;
}

/** One draw of every latent: it depends on the seed, the image and the view alone. */
function drawOnce(
  moments: Float32Array,
  { seed, autoencoder }: EncodeFolderOptions,
  { indices, view }: { indices: readonly number[]; view: number },
): Float32Array {
  const channels = autoencoder.config.latentChannels;
  const numbers = moments.length / indices.length / 2;
  const drawn = new Float32Array(moments.length / 2);
  for (const [place, index] of indices.entries()) {
    const noise = normal(stream(createGenerator(seed), `latent/${index}/${view}`), numbers);
    for (let i = 0; i < numbers; i++) {
      const at = 2 * place * numbers + Math.floor(i / channels) * 2 * channels + (i % channels);
      drawn[place * numbers + i] = moments[at] + moments[at + channels] * noise[i];
    }
  }
  return drawn;
}
