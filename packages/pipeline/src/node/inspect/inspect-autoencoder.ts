import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { weightsAt } from '@learngene/tensor-io/node';
import { VAE_FILES, type VaeConfig, vaeDownscale } from '@learngene/vae';
import { tinyVaePair } from '@learngene/vae/node';
import { isShippedAutoencoder } from '../../config/shipped-autoencoders';
import { type AutoencoderConfig, readAutoencoder } from '../autoencoder';
import { shippedFolder } from '../shipped-autoencoder';

/** An autoencoder, whose files are what they should be. */
export interface AutoencoderInspection {
  /** Says which inspection it is. */
  what: 'autoencoder';
  /** What messages call it. */
  name: string;
  /** Its folder; a shipped one has none that others could use. */
  path?: string;
  /** SHA-256 of its weights and configuration, by which latents and recipes know it. */
  hash: string;
  /** Kind, sizes, and scale and shift of its latents. */
  config: VaeConfig;
  /** Pixels a side of one position of a latent. */
  downscale: number;
  /** Numbers in its weights. */
  parameters: number;
  /** Element types of the weights in the file, e.g. `F16`. */
  dtypes: readonly string[];
  /** The file of the weights. */
  weights: string;
  /** Bytes of its files. */
  bytes: number;
}

/**
 * Reads what an autoencoder is and costs; needs no engine.
 *
 * @param argument - what messages begin with.
 * @throws ConfigError where its files are missing, damaged or do not fit each other
 */
export async function inspectAutoencoder(asked: AutoencoderConfig, argument: string): Promise<AutoencoderInspection> {
  const { name, path, hash, config, tensors } = await readAutoencoder(asked, argument);
  const folder = path ?? (isShippedAutoencoder(name) ? await shippedFolder(name, argument) : '');
  const files = await filesOf(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const all = [...tensors.values()];
  return {
    what: 'autoencoder',
    name,
    ...(path !== undefined && { path }),
    hash,
    config,
    downscale: vaeDownscale(config),
    parameters: all.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0),
    dtypes: [...new Set(all.map(({ dtype }) => dtype))].sort(),
    weights: basename(files[files.length - 1]),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** The files of an autoencoder, that of its weights (of a pair the decoder's) last. */
async function filesOf(path: string): Promise<string[]> {
  const pair = await tinyVaePair(path);
  if (pair !== undefined) return [pair.encoder, pair.decoder];
  const weights = [VAE_FILES.diffusers, VAE_FILES.learngene].map((file) => weightsAt(join(path, file)));
  return [join(path, VAE_FILES.config), weights.find(existsSync) as string];
}
