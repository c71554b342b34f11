import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createAutoencoder, vaeDownscale, vaeParamsFromTensorData } from '@learngene/vae';
import { readVae, tinyVaePair, type VaeFolder } from '@learngene/vae/node';
import type { Config } from '../config/schema';
import { isShippedAutoencoder, SHIPPED_AUTOENCODERS } from '../config/shipped-autoencoders';
import { ConfigError } from '../errors';
import { type LoadedAutoencoder, latentDecoder } from '../latents/decoder';
import { nearestWord } from '../nearest-word';
import {
  autoencoderWords,
  checkSameAutoencoder,
  type RecipeAutoencoder,
  recipeAutoencoder,
} from '../recipe/autoencoder';
import type { Decode } from '../sample/sample-images';
import { isHubAddress, parseHubAddress } from './hub/address';
import { modelPath } from './hub/model-path';
import { identify } from './identify';
import { shippedFolder } from './shipped-autoencoder';

/** An autoencoder as a configuration asks for it. */
export type AutoencoderConfig = NonNullable<Config['autoencoder']>;

/** An autoencoder in a folder, its weights in memory and no tensor made of them yet. */
export interface AutoencoderFiles extends VaeFolder {
  /** What messages call it. */
  readonly name: string;
  /** Its folder; a shipped one has none that others could use. */
  readonly path?: string;
}

/**
 * The autoencoder that a word means: a shipped one by its name, else what has a place in the file system or the look of one.
 * A folder that is called like a shipped one is written as `./emoji`.
 */
export function autoencoderAt(place: string): AutoencoderConfig {
  if (isHubAddress(place)) return { path: place };
  const isPath = !isShippedAutoencoder(place) && (existsSync(place) || /[/\\.]/.test(place));
  return isPath ? { path: resolve(place) } : { name: place };
}

/**
 * Reads the autoencoder at a path, or the shipped one of a name; needs no engine.
 *
 * @param argument - what gave it, for messages.
 * @throws ConfigError where there is none, and for one of another hash than the one asked for
 */
export async function readAutoencoder(asked: AutoencoderConfig, argument = 'autoencoder'): Promise<AutoencoderFiles> {
  const { path, hash } = asked;
  const found = path === undefined ? await readShipped(asked, argument) : await readPlace(path, asked, argument);
  if (hash !== undefined) {
    checkSameAutoencoder({ ...asked, hash }, found, { argument, owner: 'expected the autoencoder' });
  }
  return found;
}

/** An autoencoder's name by its folder; that in a run is called like every other, and has the run's name. */
async function nameAt(path: string): Promise<string> {
  const pair = await tinyVaePair(path);
  if (pair !== undefined && pair.name !== '') return pair.name;
  const name = basename(pair === undefined ? path : dirname(pair.encoder));
  return (name === 'autoencoder' && basename(dirname(path))) || name;
}

const EXPECTED = 'expected the folder of an autoencoder';
const NOTHING_KNOWN = { kind: 'other', what: '' } as const;

/** The autoencoder in a folder, or at an address of the Hub, which stays its path. */
async function readPlace(path: string, asked: AutoencoderConfig, argument: string): Promise<AutoencoderFiles> {
  if (!isHubAddress(path)) return readFolder(resolve(path), asked, argument);
  const folder = await modelPath(path, { argument });
  const { path: named, repository } = parseHubAddress(path, argument);
  const name = asked.name ?? named?.split('/').at(-1) ?? repository.split('/')[1];
  return { ...(await readFolder(folder, { ...asked, name }, argument)), path };
}

async function readFolder(path: string, { name }: AutoencoderConfig, argument: string): Promise<AutoencoderFiles> {
  if (!existsSync(path)) {
    throw new ConfigError(`${argument}: there is no autoencoder at ${path}; if it is elsewhere now, say where`, {
      argument,
    });
  }
  try {
    return { ...(await readVae(path)), name: name ?? (await nameAt(path)), path };
  } catch (error) {
    const { kind, what } = await identify(path).catch(() => NOTHING_KNOWN);
    if (kind !== 'autoencoder' && kind !== 'other') {
      throw new ConfigError(`${argument}: ${EXPECTED}; this is ${what}`, { argument });
    }
    throw new ConfigError(`${argument}: ${EXPECTED}`, { argument, cause: error });
  }
}

async function readShipped({ name }: AutoencoderConfig, argument: string): Promise<AutoencoderFiles> {
  if (isShippedAutoencoder(name)) return { ...(await readVae(await shippedFolder(name, argument))), name };
  const expected = `expected the path of an autoencoder's folder or a shipped one (${SHIPPED_AUTOENCODERS.join(', ')})`;
  if (name === undefined) throw new ConfigError(`${argument}: ${expected}, got none`, { argument });
  const nearest = nearestWord(name, SHIPPED_AUTOENCODERS);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  throw new ConfigError(`${argument}: ${expected}, got ${JSON.stringify(name)}${hint}`, { argument });
}

/**
 * The section of a recipe that an autoencoder fills.
 *
 * @param asked - what a configuration says; its scale and shift win over the autoencoder's own.
 * @throws ConfigError for channels or a downscale that are not the autoencoder's
 */
export function describeAutoencoder(files: AutoencoderFiles, asked: AutoencoderConfig = {}): RecipeAutoencoder {
  const { config, name, path, hash } = files;
  const { imageChannels, latentChannels } = config;
  const sizes = { imageChannels, latentChannels, downscale: vaeDownscale(config) };
  for (const [field, own] of Object.entries(sizes) as [keyof typeof sizes, number][]) {
    const given = asked[field];
    if (given === undefined || given === own) continue;
    const argument = `autoencoder.${field}`;
    throw new ConfigError(
      `${argument}: expected ${own}, as ${autoencoderWords({ name, hash })} has it, or none, got ${given}`,
      { argument },
    );
  }
  return {
    ...(path === undefined ? {} : { path }),
    name,
    hash,
    ...sizes,
    scalingFactor: asked.scalingFactor ?? config.scalingFactor,
    shiftFactor: asked.shiftFactor ?? config.shiftFactor,
  };
}

/** Makes tensors of an autoencoder's files; the caller disposes `autoencoder`. Needs an engine. */
export function loadAutoencoder({ tensors, config, hash, name }: AutoencoderFiles): LoadedAutoencoder {
  return { hash, name, autoencoder: createAutoencoder(vaeParamsFromTensorData(tensors, config), config) };
}

/** A decoder that is open. */
export interface OpenDecoder {
  /** From what the network denoises to images; undefined for a model of pixels. */
  readonly decode?: Decode;
  /** Disposes the autoencoder. */
  dispose(): void;
}

/**
 * Opens the decoder of a recipe; one of a recipe of pixels decodes nothing.
 *
 * @param place - the folder of the autoencoder now, or its shipped name, if it is not where the recipe says.
 * @throws ConfigError where the autoencoder is not there, or is another one
 */
export async function openDecoder(recipe: Pick<Config, 'autoencoder'>, place?: string): Promise<OpenDecoder> {
  const wanted = recipeAutoencoder(recipe);
  if (wanted === undefined) {
    if (place !== undefined)
      throw new ConfigError('autoencoder: the model works in pixels and takes none; leave it out', {
        argument: 'autoencoder',
      });
    return { dispose() {} };
  }
  const files = await readAutoencoder(place === undefined ? wanted : autoencoderAt(place));
  checkSameAutoencoder(wanted, files, { argument: 'autoencoder', owner: 'the model works in latents' });
  const loaded = loadAutoencoder(files);
  return { decode: latentDecoder(recipe, loaded), dispose: loaded.autoencoder.dispose };
}
