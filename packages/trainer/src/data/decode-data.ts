import { cacheDataset, DatasetFileError, holdOut, type ImageDataset, listNames, subset } from '@learngene/datasets';
import { type Config, ConfigError, counted, type Progress } from '@learngene/pipeline';
import type { EnlargedRecord } from '@learngene/pipeline/node';
import { enlargedRecord, warnOfEnlarged } from '../enlarged';
import { DataError } from '../errors';
import { chooseClasses } from './open-data';

/** The most bytes of decoded images that are kept in memory. */
const MAX_BYTES = 2 ** 33;

/** Throws where the held-out fraction leaves nothing to train on. It is cheap: call it before images are decoded. */
export function checkHoldOut({ data }: Config): void {
  if (data.holdOut === 1) throw new ConfigError('data.holdOut: expected below 1, got 1: nothing to train on');
}

/** Images in memory. */
export interface DecodedDataset extends ImageDataset {
  /** The image files that were enlarged, where there are any. */
  readonly enlarged?: EnlargedRecord;
}

/**
 * Decodes all images of a view, with progress, into memory; images of arrays are decoded already. Warns of image files that
 * could not be read or were enlarged.
 *
 * @throws DataError for an image that cannot be read, unless data.onCorrupt is skip
 * @throws Error for a class of which none can be read
 */
export async function decodeData(
  dataset: ImageDataset,
  { source, onCorrupt }: Config['data'],
  progress: Progress,
): Promise<DecodedDataset> {
  if (source !== 'folder' && source !== 'emoji') return dataset;
  const bar = progress.startBar('Decoding images', dataset.size, 'images');
  try {
    const onProgress = ({ done }: { done: number }) => bar.update(done);
    const { enlarged, ...decoded } = await cacheDataset(dataset, { onCorrupt, onProgress, maxBytes: MAX_BYTES });
    const { skipped } = decoded;
    if (skipped.length > 0) progress.warn(`skipped ${counted(skipped.length, 'image')} that cannot be read`);
    const left = new Set(decoded.labels);
    const lost = dataset.classes.filter((_, label) => !left.has(label) && dataset.labels.includes(label));
    if (lost.length > 0) throw new Error(`${dataset.name}: no image can be read of ${listNames(lost)}`);
    const record = enlargedRecord(enlarged);
    warnOfEnlarged(record, decoded, progress);
    return { ...decoded, ...(record && { enlarged: record }) };
  } catch (error) {
    if (!(error instanceof DatasetFileError && error.isImage)) throw error;
    throw new DataError(error.message, { code: 'image-unreadable', cause: error });
  } finally {
    bar.stop();
  }
}

/** Images of some classes, split into those to train on and those kept for evaluation. */
export interface DataPart {
  /** What is trained on. */
  train: ImageDataset;
  /** What is kept for evaluation. */
  heldOut: ImageDataset;
  /** The image files that were enlarged, where they were decoded and there are any. */
  enlarged?: EnlargedRecord;
}

/**
 * Some classes of a dataset, a fixed fraction of each held out for evaluation. A class keeps one image at least.
 *
 * @throws ConfigError for unknown classes, and where nothing is left to train on
 */
export function partOf(dataset: ImageDataset, classes: readonly string[], config: Config): DataPart {
  const chosen = chooseClasses(dataset, classes);
  if (chosen.size === 0) throw new ConfigError(`data: ${listNames(classes)}: expected images, got none`);
  if (config.data.holdOut === 0) return { train: chosen, heldOut: subset(chosen, []) };
  if (config.data.holdOut === 1) throw new ConfigError('data.holdOut: expected below 1, got 1: nothing to train on');
  return holdOut(chosen, { fraction: config.data.holdOut, seed: config.seed });
}
