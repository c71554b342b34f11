import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ImageDataset } from '@learngene/datasets';
import { ConfigError, type Progress } from '@learngene/pipeline';
import { TensorFileError } from '@learngene/tensor-io';
import { sha256File, writeSafetensors } from '@learngene/tensor-io/node';
import { checkParents, checkWritable } from '../new-folder';
import {
  isLatentFolder,
  LABELS_FILE,
  type LatentManifest,
  type LatentOrigin,
  type LatentSettings,
  readLatentManifest,
  shardCount,
  writeLatentManifest,
} from './manifest';
import { readLabels } from './open-latents';

/** What an interrupted call leaves that the next may find. */
const isOwn = (name: string) => name === LABELS_FILE || /^\.?latents/.test(name) || /^\..*\.tmp$/.test(name);

/**
 * Throws where latents may not be written into a folder. It is cheap: call it before any work.
 *
 * @throws ConfigError for a file and for a folder that holds anything else; Error naming a folder that may not be written
 */
export async function checkLatentTarget(path: string): Promise<void> {
  const argument = 'out';
  checkParents(path, argument);
  if (existsSync(path)) {
    if (!(await stat(path)).isDirectory()) {
      throw new ConfigError(`${argument} ${path}: expected a folder, this is a file`, { argument });
    }
    const stranger = isLatentFolder(path) ? undefined : (await readdir(path)).find((name) => !isOwn(name));
    if (stranger !== undefined) {
      throw new ConfigError(`${path}: expected a new folder or one of latents, this one holds ${stranger}`);
    }
  }
  checkWritable(path);
}

/**
 * The manifest to go on from: that of an interrupted folder of the same settings, whose labels are whole after this, or a new
 * one. A folder without a shard holds nothing to keep, and takes other settings.
 *
 * @throws ConfigError for a folder that holds anything else or other latents; Error for one that may not be written
 */
export async function startFolder(
  folder: string,
  settings: LatentSettings,
  { dataset, progress }: { dataset: ImageDataset; progress: Progress },
): Promise<LatentManifest> {
  await checkLatentTarget(folder);
  const found = isLatentFolder(folder) ? await readLatentManifest(folder) : undefined;
  if (found !== undefined && found.shards.length > 0) {
    checkSameSettings(folder, found, settings);
    await repairLabels(folder, found, { dataset, progress });
    const shards = await wholeShards(folder, found, progress);
    const isWhole = shards.length === shardCount(settings);
    const { statistics, enlarged } = found;
    const manifest = { ...settings, shards, ...(isWhole && { statistics, ...(enlarged && { enlarged }) }) };
    if (settings.autoencoder.scaleGiven !== found.autoencoder.scaleGiven) await writeLatentManifest(folder, manifest);
    return manifest;
  }
  await mkdir(folder, { recursive: true });
  await writeLabels(folder, dataset);
  const manifest = { ...settings, shards: [] };
  await writeLatentManifest(folder, manifest);
  return manifest;
}

async function writeLabels(folder: string, { size, labels }: ImageDataset): Promise<void> {
  const tensor = { dtype: 'I32', shape: [size], data: labels.slice() } as const;
  await writeSafetensors(join(folder, LABELS_FILE), new Map([['labels', tensor]]));
}

/** Writes labels again that are missing or damaged. */
async function repairLabels(
  folder: string,
  manifest: LatentManifest,
  { dataset, progress }: { dataset: ImageDataset; progress: Progress },
): Promise<void> {
  try {
    await readLabels(folder, manifest);
  } catch (error) {
    if (!(error instanceof TensorFileError)) throw error;
    const path = join(folder, LABELS_FILE);
    progress.warn(`${path}: ${existsSync(path) ? 'damaged' : 'missing'}; writing it again`);
    await writeLabels(folder, dataset);
  }
}

/**
 * Settings without what the autoencoder is called: its hash says which it is. Latents are kept as the encoder gives them: where
 * no scale was asked for yet, one may be, and is recorded.
 */
function comparable(settings: LatentSettings, { scaleGiven }: LatentOrigin): LatentSettings {
  const scale = scaleGiven ? {} : { scalingFactor: undefined, shiftFactor: undefined, scaleGiven: undefined };
  return { ...settings, autoencoder: { ...settings.autoencoder, name: undefined, ...scale } as never };
}

function checkSameSettings(
  folder: string,
  { shards: _, statistics: __, enlarged: ___, ...found }: LatentManifest,
  wanted: LatentSettings,
): void {
  for (const name of Object.keys(wanted) as (keyof LatentSettings)[]) {
    const [before, now] = [found, wanted].map((settings) => comparable(settings, found.autoencoder)[name]);
    if (isDeepStrictEqual(before, now)) continue;
    const short = (value: unknown) => (JSON.stringify(value) ?? 'none').slice(0, 120);
    throw new ConfigError(
      `${folder}: holds latents of other settings: ${name} is ${short(found[name])}, asked for ${short(wanted[name])}; give another folder`,
    );
  }
}

/** The shards that are whole, up to the first that is not: those after it are encoded anew. */
async function wholeShards(folder: string, { shards }: LatentManifest, progress: Progress) {
  for (const [i, { file, sha256, bytes }] of shards.entries()) {
    const path = join(folder, file);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === bytes && (await sha256File(path)) === sha256) continue;
    progress.warn(`${path}: ${size === undefined ? 'missing' : 'damaged'}; encoding from there on again`);
    return shards.slice(0, i);
  }
  return shards;
}
