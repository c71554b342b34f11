import { type Config, ConfigError } from '@learngene/pipeline';
import { describeAutoencoder, readAutoencoder } from '@learngene/pipeline/node';
import { cropSourceSize } from '../latents/crops';
import { type EncodeFolderOptions, encodeFolder, latentSettings } from '../latents/encode-folder';
import { checkLatentTarget } from '../latents/latent-folder';
import type { LatentManifest } from '../latents/manifest';
import { openData } from './open-data';

/** What {@link prepareEncoding} prepares. */
export interface EncodingRequest extends Pick<EncodeFolderOptions, 'stored' | 'crops' | 'mirrored' | 'progress'> {
  /** Data and autoencoder; its seed is that of draws and crops. */
  config: Pick<Config, 'data' | 'autoencoder' | 'seed'>;
  /** The folder that will be written, checked before any work (default: checked when the images are encoded). */
  out?: string;
  /** Images of a shard (default 1024). */
  shardImages?: number;
  /** Images that are encoded at a time (default 16). */
  batchSize?: number;
}

/** What is encoded, before an engine starts and an image is decoded. */
export type PreparedEncoding = Omit<EncodeFolderOptions, 'signal'>;

/**
 * Opens the data and the autoencoder of a folder of latents.
 *
 * @throws ConfigError where one of them is not there, for crops of images that keep their own size, for shards larger than the
 *   memory, and for a folder that holds anything else; Error for a folder that may not be written
 */
export async function prepareEncoding(request: EncodingRequest): Promise<PreparedEncoding> {
  const { config, out, stored, crops, mirrored, shardImages = 1024, batchSize = 16, progress } = request;
  if (out !== undefined) await checkLatentTarget(out);
  if (config.autoencoder === undefined) throw new ConfigError('autoencoder: expected its folder or its name, got none');
  const autoencoder = await readAutoencoder(config.autoencoder);
  describeAutoencoder(autoencoder, config.autoencoder); // refuses fields that are not the autoencoder's
  const { dataset, recipe: data } = await openData(config.data, progress);
  if (dataset.latents !== undefined) throw new ConfigError('data.latents: expected images to encode, got latents');
  const { seed } = config;
  const { scalingFactor, shiftFactor } = config.autoencoder;
  const scale = { scalingFactor, shiftFactor };
  const prepared = {
    dataset,
    data,
    autoencoder,
    scale,
    stored,
    seed,
    crops,
    mirrored,
    shardImages,
    batchSize,
    progress,
  };
  const fromFiles = data.source === 'folder' || data.source === 'emoji';
  if (crops > 1 && !fromFiles) {
    throw new ConfigError(`crops: ${data.source} data keep their own size and have one crop, got ${crops}`);
  }
  latentSettings(prepared); // refuses what cannot be encoded
  if (crops === 1) return prepared;
  const { dataset: larger } = await openData({ ...data, size: cropSourceSize(dataset.height) }, progress);
  return { ...prepared, larger };
}

/** Encodes what was prepared into a folder; see {@link encodeFolder}. */
export function encodeData(folder: string, prepared: PreparedEncoding, signal: AbortSignal): Promise<LatentManifest> {
  return encodeFolder(folder, { ...prepared, signal });
}
