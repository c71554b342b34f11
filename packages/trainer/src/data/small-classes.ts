import { classCounts, type ImageDataset, listNames, selectClasses } from '@learngene/datasets';
import { ConfigError, counted, type Progress } from '@learngene/pipeline';

/** Leaves out classes with fewer images than `least`, and warns of those that have none. */
export function withoutSmallClasses(dataset: ImageDataset, least: number, progress: Progress): ImageDataset {
  const counts = classCounts(dataset);
  const small = dataset.classes.filter((_, label) => counts[label] < least);
  if (small.length === 0) return dataset;
  const empty = small.filter((name) => counts[dataset.classes.indexOf(name)] === 0);
  if (empty.length === dataset.classes.length) {
    throw new Error(`${dataset.name}: expected images, got none in the classes ${listNames(empty)}`);
  }
  if (empty.length > 0) progress.warn(`${dataset.name}: classes without images are left out: ${listNames(empty, 20)}`);
  const kept = dataset.classes.filter((_, label) => counts[label] >= least);
  if (kept.length === 0) throw new ConfigError(`data.minPerClass: no class has ${counted(least, 'image')}`);
  return selectClasses(dataset, kept);
}
