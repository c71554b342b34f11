import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemReason } from '@learngene/tensor-io';
import { readTensors, weightsAt, writeFolderAtomic, writeSafetensors } from '@learngene/tensor-io/node';
import { checkObject, checkText } from '../core/arguments';
import { vaeFromLayout } from '../weights/checkpoint';
import {
  decodeVaeFiles,
  type EncodeVaeOptions,
  encodeVaeFiles,
  parseVaeConfig,
  VAE_FILES,
  type VaeFiles,
} from '../weights/files';
import { vaeHash } from '../weights/hash';
import { readTwo } from './original';
import { type TinyVaePair, tinyConfigOf, tinyVaePair } from './tiny-pair';

/** An autoencoder that was read from a folder. */
export interface VaeFolder extends VaeFiles {
  /** See `vaeHash`. */
  readonly hash: string;
}

/**
 * Reads an autoencoder's folder: `config.json` and the weights, in diffusers' layout (its older `.bin` too) or in ours; or the two
 * files in which TAESD and its relatives are published, by their folder or by one of them. Those have no config: it is the one of
 * `TINY_VAE_PRESETS` that their shapes tell.
 *
 * @param folder - the folder, or `taef2_encoder.pth` or `taef2_decoder.pth` beside the other.
 * @throws where a file is missing or damaged or does not fit the config; the message begins with the path
 */
export async function readVae(folder: string): Promise<VaeFolder> {
  checkText('folder', folder);
  const pair = await tinyVaePair(folder);
  if (pair !== undefined) return readPair(folder, pair);
  const path = (file: string): string => join(folder, file);
  const text = await readText(path(VAE_FILES.config));
  const { weights } = named(path(VAE_FILES.config), () => parseVaeConfig(text));
  const file = weightsAt(path(weights));
  const tensors = await readTensors(file);
  const files = named(file, () => decodeVaeFiles(text, tensors));
  return { ...files, hash: await vaeHash(files.tensors, files.config) };
}

async function readPair(path: string, pair: TinyVaePair): Promise<VaeFolder> {
  const stored = await readTwo(pair);
  const files = named(path, () => {
    const config = tinyConfigOf(stored);
    return { config, tensors: vaeFromLayout(stored, config, 'original') };
  });
  return { ...files, hash: await vaeHash(files.tensors, files.config) };
}

/** Settings of {@link writeVae}. */
export interface WriteVaeOptions extends EncodeVaeOptions {
  /** Whether a folder that exists is replaced (default false: it is an error). */
  readonly replace?: boolean;
}

/**
 * Writes an autoencoder's folder, whole or not at all: in diffusers' layout where diffusers has such a network, else in ours.
 *
 * @throws where the folder exists, unless it is to be replaced, and as `encodeVaeFiles`
 */
export async function writeVae(folder: string, files: VaeFiles, options: WriteVaeOptions = {}): Promise<void> {
  checkText('folder', folder);
  checkObject('options', options);
  const { replace = false, ...encoding } = options;
  const { config, weights, tensors } = encodeVaeFiles(files, encoding);
  await writeFolderAtomic(
    folder,
    async (temporary) => {
      await mkdir(temporary, { recursive: true });
      await writeFile(join(temporary, VAE_FILES.config), config);
      await writeSafetensors(join(temporary, weights), tensors, { metadata: { format: 'pt' } });
    },
    { replace },
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`${path}: cannot open: ${systemReason(cause) ?? (cause as Error).message}`, { cause });
  }
}

/** Puts the path before the message of an error. */
function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}
