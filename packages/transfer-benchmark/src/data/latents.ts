import { join } from 'node:path';
import { type ImageDataset, type LatentRows, subset } from '@learngene/datasets';
import { ConfigError, latentDecoder, parseConfig, type RecipeAutoencoder } from '@learngene/pipeline';
import {
  type AutoencoderFiles,
  describeAutoencoder,
  loadAutoencoder,
  type OpenDecoder,
  readAutoencoder,
} from '@learngene/pipeline/node';
import { encodeFolder, type LatentData, openLatents, readLatentManifest, scaledLatents } from '@learngene/trainer/node';
import type { DatasetInput, LatentsInput, LatentsJob } from '../jobs/job';
import type { FilledAutoencoder } from '../plan/autoencoders';
import type { DatasetPlan } from '../plan/benchmark-plan';
import type { TrialResult } from '../plan/result';
import type { JobContext } from './context';
import { writeJson } from './json-file';

/** Images that are encoded and decoded at a time, and images of a shard. */
const [BATCH, SHARD] = [32, 1024];

const folderOf = (out: string, { key }: LatentsInput) => join(out, 'latents', key);

/** The files of a task's autoencoder; one that was changed since the plan was read is refused. */
function filesOf({ path, name, hash }: FilledAutoencoder): Promise<AutoencoderFiles> {
  return readAutoencoder({ path, name, hash });
}

/** The places of the images of some classes in a dataset. */
function placesOf({ labels, classes }: ImageDataset, wanted: readonly string[]): Int32Array {
  const isWanted = classes.map((name) => wanted.includes(name));
  const missing = wanted.find((name) => !classes.includes(name));
  if (missing !== undefined) throw new ConfigError(`classes: the dataset has no class ${missing}`);
  return Int32Array.from(labels.keys()).filter((place) => isWanted[labels[place]]);
}

/** Where the images of latents come from, for the record that stays beside them. */
function recordOf({ source, path, size }: DatasetPlan): LatentData {
  const fromFiles = source === 'emoji' || source === 'folder';
  const { data } = parseConfig({ data: { source, path, ...(fromFiles && { size }) } }, 'plan');
  return { ...data, source };
}

/** Encodes the images of a job's classes, once; what was encoded before an interruption stays. */
export async function encodeLatents(context: JobContext, { dataset }: LatentsJob, images: ImageDataset): Promise<void> {
  const { out, progress, signal, onProgress } = context;
  const { latents, source, name } = dataset;
  const chosen = subset(images, placesOf(images, latents.classes));
  const manifest = await encodeFolder(folderOf(out, latents), {
    dataset: chosen,
    data: recordOf(source),
    autoencoder: await filesOf(latents.autoencoder),
    stored: 'mean',
    seed: 0,
    crops: 1,
    mirrored: source.flip,
    shardImages: SHARD,
    batchSize: BATCH,
    progress: { ...progress, startBar: () => ({ update: (done) => onProgress(done / chosen.size), stop() {} }) },
    signal,
  });
  const { images: count, shape, statistics, autoencoder } = manifest;
  await writeJson(`${folderOf(out, latents)}.json`, { dataset: name, images: count, shape, statistics, autoencoder });
}

/** Rows of some images of a dataset, by the places of these images in the whole. */
function rowsAt(rows: LatentRows, places: Int32Array): LatentRows {
  const rowOf = new Map(Array.from(places, (place, row) => [place, row]));
  return {
    ...rows,
    read: async (indices, views) =>
      rows.read(
        Array.from(indices, (index) => {
          const row = rowOf.get(index);
          if (row === undefined) throw new RangeError(`indices: image ${index} is of a class that was not encoded`);
          return row;
        }),
        views,
      ),
  };
}

/**
 * A dataset whose images bring the latents that were encoded, as the network sees them.
 *
 * @throws Error where the latents are not those of these images
 */
export async function withEncoded(out: string, images: ImageDataset, latents: LatentsInput): Promise<ImageDataset> {
  const folder = folderOf(out, latents);
  const { rows, labels, manifest } = await openLatents(folder);
  const places = placesOf(images, latents.classes);
  const fits = labels.length === places.length && labels.every((label, i) => label === images.labels[places[i]]);
  if (!fits || manifest.autoencoder.hash !== latents.autoencoder.hash) {
    throw new Error(`${folder}: expected latents of the images of this benchmark; remove it, it is encoded again`);
  }
  const { scalingFactor, shiftFactor } = latents.autoencoder;
  const recipe = { ...manifest.autoencoder, scalingFactor, shiftFactor };
  return scaledLatents({ ...images, latents: rowsAt(rows, places) }, recipe);
}

/** The autoencoder of latents that were encoded, as recipes of models keep it. */
export async function recipeOf(out: string, latents: LatentsInput): Promise<RecipeAutoencoder> {
  const { autoencoder } = await readLatentManifest(folderOf(out, latents));
  const { path, name, scalingFactor, shiftFactor } = latents.autoencoder;
  return {
    ...autoencoder,
    ...(path !== undefined && { path }),
    ...(name !== undefined && { name }),
    scalingFactor,
    shiftFactor,
  };
}

/** What results say of the autoencoder that they were made with; nothing in pixels. */
export function inLatents({ latents }: Pick<DatasetInput, 'latents'>): Pick<TrialResult, 'autoencoder'> {
  if (latents === undefined) return {};
  const { name = 'an autoencoder without a name', hash } = latents.autoencoder;
  return { autoencoder: { name, hash } };
}

/** Opens the decoder of samples; samples of a model in pixels are images already. Needs an engine. */
export async function openSampleDecoder(latents: LatentsInput | undefined): Promise<OpenDecoder> {
  if (latents === undefined) return { dispose() {} };
  const files = await filesOf(latents.autoencoder);
  const autoencoder = describeAutoencoder(files, latents.autoencoder);
  const loaded = loadAutoencoder(files);
  return { decode: latentDecoder({ autoencoder }, loaded), dispose: loaded.autoencoder.dispose };
}
