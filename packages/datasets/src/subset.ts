import { checkIndices, checkLabels } from './check';
import type { ImageDataset } from './types';

/** Name and labels of a part of a dataset. */
export interface SubsetOptions {
  /** Its name (default: that of the whole dataset). */
  readonly name?: string;
  /** Its classes (default: those of the whole dataset). */
  readonly classes?: readonly string[];
  /** The new label of every chosen image (default: the label it has). */
  readonly labels?: ArrayLike<number>;
}

/**
 * Selects the images at `indices`, in that order, without copying their bytes.
 *
 * @throws RangeError for a bad index, or labels that do not fit
 */
export function subset(dataset: ImageDataset, indices: ArrayLike<number>, options: SubsetOptions = {}): ImageDataset {
  checkIndices(indices, dataset);
  const chosen = Int32Array.from(indices);
  const { name = dataset.name, classes = dataset.classes } = options;
  const labels = options.labels ? Int32Array.from(options.labels) : chosen.map((index) => dataset.labels[index]);
  checkLabels(options.labels ?? labels, chosen.length, classes);
  const size = chosen.length;
  const { height, width, channels } = dataset;
  const inWhole = (wanted: ArrayLike<number>) => {
    checkIndices(wanted, { name, size });
    return Int32Array.from(wanted, (index) => chosen[index]);
  };
  const { latents } = dataset;
  return {
    name,
    size,
    height,
    width,
    channels,
    classes: [...classes],
    labels,
    read: async (wanted, reading) => dataset.read(inWhole(wanted), reading),
    ...(latents && { latents: { ...latents, read: async (wanted, views) => latents.read(inWhole(wanted), views) } }),
  };
}

/** How many images each class has, [classes]. */
export function classCounts(dataset: Pick<ImageDataset, 'classes' | 'labels'>): Int32Array {
  const counts = new Int32Array(dataset.classes.length);
  for (const label of dataset.labels) counts[label]++;
  return counts;
}
