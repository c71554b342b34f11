import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatasetFileError, holdOut, type ImageDataset, subset } from '@learngene/datasets';
import { imageList } from '@learngene/datasets/node';
import { type Config, ConfigError, counted, type Progress, parseConfig } from '@learngene/pipeline';
import type { EnlargedRecord } from '@learngene/pipeline/node';
import { type VaeConfig, vaeDownscale } from '@learngene/vae';
import { refuseArtifact } from '../data/complete-data';
import { decodeData } from '../data/decode-data';
import { openData } from '../data/open-data';
import type { VaeTrainingConfig } from './config';

/** The size that image files are brought to when the configuration names none. */
const USUAL_SIZE = 64;

/** Images to train on and images to measure the error on; nothing is trained on those. */
export interface TrainingImages {
  /** What is trained on. */
  readonly train: ImageDataset;
  /** What the error is measured on. */
  readonly heldOut: ImageDataset;
  /** The image files that were enlarged, where there are any. */
  readonly enlarged?: EnlargedRecord;
}

/** Images that are listed but not yet decoded. */
export interface OpenImages {
  /** All images; classes play no part but that the same share of each is held out. */
  readonly dataset: ImageDataset;
  /** The configuration of the data as a run keeps it: kind and place are known. */
  readonly data: VaeTrainingConfig['data'];
}

/** The settings of an autoencoder's data as those of the pipeline, which the same functions open and decode. */
function pipelineData({ holdOut: _, ...data }: VaeTrainingConfig['data']): Config['data'] {
  return parseConfig({ data: { ...data, balance: false } }, 'data').data;
}

/**
 * Opens the images of a configuration without decoding them: all kinds of data that `learngene train` takes, and a folder of
 * images without classes.
 *
 * @throws ConfigError where nothing is there or it is no data
 */
export async function openImages(data: VaeTrainingConfig['data'], progress: Progress): Promise<OpenImages> {
  const path = data.path === undefined ? undefined : resolve(data.path);
  const mayBeList = data.source === 'images' || (data.source === undefined && path !== undefined && existsSync(path));
  if (path !== undefined && mayBeList) {
    await refuseArtifact(path, 'data.path');
    const list = await listed(path, data);
    if (list.size > 0) {
      progress.info(`Data: ${counted(list.size, 'image')} without classes in ${path}`);
      return { dataset: list, data: { ...data, source: 'images', path, size: list.height } };
    }
    if (data.source === 'images') {
      throw new ConfigError(`data.path ${path}: expected images in the folder, got none`, { argument: 'data.path' });
    }
  }
  if (data.source === 'images') {
    throw new ConfigError('data.path: needed for a folder of images', { argument: 'data.path' });
  }
  const { dataset, recipe } = await openData(pipelineData(data), progress, { size: USUAL_SIZE });
  const { source, path: place, size } = recipe;
  const found = { source, ...(place !== undefined && { path: place }), ...(size !== undefined && { size }) };
  return { dataset, data: { ...data, ...found } };
}

async function listed(path: string, { size = USUAL_SIZE, autoOrient }: VaeTrainingConfig['data']) {
  try {
    return await imageList(path, { size, autoOrient });
  } catch (error) {
    if (!(error instanceof DatasetFileError)) throw error;
    throw new ConfigError(`data.path ${error.message}`, { cause: error, argument: 'data.path' });
  }
}

/** Decodes the images and holds out a fixed share of them. */
export async function decodeImages(
  dataset: ImageDataset,
  { data, seed }: Pick<VaeTrainingConfig, 'data' | 'seed'>,
  progress: Progress,
): Promise<TrainingImages> {
  const { source, onCorrupt } = data;
  const asFiles = source === 'images' ? 'folder' : source;
  const decoded = await decodeData(dataset, { ...pipelineData({ ...data, source: asFiles }), onCorrupt }, progress);
  const { enlarged } = decoded;
  const part =
    data.holdOut === 0
      ? { train: decoded, heldOut: subset(decoded, []) }
      : holdOut(decoded, { fraction: data.holdOut, seed });
  return { ...part, ...(enlarged && { enlarged }) };
}

/** Throws where an autoencoder does not take images of this size. */
export function checkImageSize({ height, width }: ImageDataset, model: VaeConfig): void {
  const factor = vaeDownscale(model);
  if (height % factor === 0 && width % factor === 0) return;
  throw new ConfigError(`data.size: expected a multiple of ${factor} for this autoencoder, got ${height}x${width}`);
}
