import { createHash } from 'node:crypto';
import { classCounts, type ImageDataset } from '@learngene/datasets';
import * as z from 'zod';
import { counted } from '../counted';
import { ConfigError } from '../errors';

const recordSchema = z.strictObject({
  size: z.array(z.int()).length(3),
  counts: z.array(z.int()),
  labels: z.string(),
});

/** The record of the images that a run was started on, by which they are recognised later. It has no pixels. */
export interface ImageRecord {
  /** Height, width, channels. */
  size: number[];
  /** How many images each class has, in the order of the run's classes. */
  counts: number[];
  /** SHA-256 of the names of the classes and the labels in the order of the images. */
  labels: string;
}

/** What is kept of image files that are smaller than the images that a run works on, so that they were enlarged. */
export interface EnlargedRecord {
  /** How many. */
  readonly images: number;
  /** Width and height of the smallest. */
  readonly smallest: readonly [width: number, height: number];
}

/** The record of a dataset. */
export function imageRecord(dataset: ImageDataset): ImageRecord {
  const { height, width, channels, classes, labels } = dataset;
  const hash = createHash('sha256').update(JSON.stringify(classes.map((name) => name.normalize('NFC'))));
  for (const label of labels) hash.update(`,${label}`);
  return { size: [height, width, channels], counts: [...classCounts(dataset)], labels: hash.digest('hex') };
}

/**
 * Compares the images that a run continues on with those it was started on.
 *
 * @throws ConfigError that names what differs: the size, the number of images of a class, or the order
 */
export function checkSameImages(dataset: ImageDataset, record: ImageRecord): void {
  const differences = changedImages(dataset, record);
  if (differences.length === 0) return;
  throw new ConfigError(`data: not those that the run was started on: ${differences.join('; ')}`, {
    code: 'data-changed',
  });
}

/** Most differences that a message lists. */
const MOST_LISTED = 8;

/**
 * How the images of a dataset differ from those of a record.
 *
 * @returns sentences on the size, the number of images of a class, or the order; none where they are the same
 * @throws ConfigError for a record of other fields
 */
export function changedImages(dataset: ImageDataset, record: ImageRecord): string[] {
  const { success, data: kept } = recordSchema.safeParse(record);
  if (!success) throw new ConfigError('config.json: images: expected { size, counts, labels }');
  const came = imageRecord(dataset);
  const differences = dataset.classes.flatMap((name, label) =>
    kept.counts[label] === came.counts[label]
      ? []
      : [`${JSON.stringify(name)} has ${counted(came.counts[label], 'image')}, had ${kept.counts[label] ?? 'none'}`],
  );
  if (kept.size.join('x') !== came.size.join('x')) {
    differences.unshift(`the images are ${came.size.join('x')}, were ${kept.size.join('x')}`);
  }
  if (differences.length === 0 && kept.labels !== came.labels) differences.push('the images come in another order');
  const rest = differences.length - MOST_LISTED;
  return rest > 0 ? [...differences.slice(0, MOST_LISTED), `and ${rest} more`] : differences;
}
