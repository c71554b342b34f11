import { createGenerator, permutation, stream } from '@learngene/random';
import { checkInteger } from './check';
import { classLabel, listNames } from './class-names';
import { subset } from './subset';
import type { ImageDataset } from './types';

/** A class, by name (compared in Unicode's NFC) or by label. */
export type ClassReference = string | number;

/**
 * Selects the images of some classes. The classes are labelled 0, 1, 2, ... in the order given; the images keep their
 * order.
 *
 * @throws RangeError for a class that the dataset does not have, or one that is named twice
 */
export function selectClasses(dataset: ImageDataset, classes: readonly ClassReference[]): ImageDataset {
  const chosen = resolveClasses('classes', dataset, classes);
  const labelOf = new Int32Array(dataset.classes.length).fill(-1);
  chosen.forEach((label, i) => {
    labelOf[label] = i;
  });
  const indices: number[] = [];
  dataset.labels.forEach((label, index) => {
    if (labelOf[label] >= 0) indices.push(index);
  });
  return subset(dataset, indices, {
    classes: chosen.map((label) => dataset.classes[label]),
    labels: indices.map((index) => labelOf[dataset.labels[index]]),
  });
}

/** Which classes {@link splitClasses} separates. */
export interface SplitOptions {
  /** The novel classes, or how many of them to draw. */
  readonly novel: number | readonly ClassReference[];
  /** Seed of the draw; needed where `novel` is a number. */
  readonly seed?: number;
}

/** The two parts of {@link splitClasses}. */
export interface ClassSplit {
  /** What a model is pre-trained on. */
  readonly pretrain: ImageDataset;
  /** Classes that it has not seen. */
  readonly novel: ImageDataset;
}

/**
 * Splits a dataset by class: what a model is pre-trained on, and novel classes that it has not seen. Both are labelled
 * from 0 in the order of the whole dataset's classes; every image is in exactly one of them.
 *
 * @throws RangeError where a part would have no class, for an unknown class, and for one that is named twice
 */
export function splitClasses(dataset: ImageDataset, { novel, seed }: SplitOptions): ClassSplit {
  const count = typeof novel === 'number' ? novel : novel.length;
  checkInteger('novel', count, 1, dataset.classes.length - 1);
  const apart = new Set(
    typeof novel === 'number' ? drawClasses(dataset, novel, seed) : resolveClasses('novel', dataset, novel),
  );
  const all = dataset.classes.map((_, label) => label);
  return {
    pretrain: selectClasses(
      dataset,
      all.filter((label) => !apart.has(label)),
    ),
    novel: selectClasses(
      dataset,
      all.filter((label) => apart.has(label)),
    ),
  };
}

function drawClasses(dataset: ImageDataset, count: number, seed: number | undefined): Int32Array {
  if (seed === undefined) throw new RangeError('seed: expected a seed to draw the novel classes with, got undefined');
  return permutation(stream(createGenerator(seed), 'novel-classes'), dataset.classes.length).subarray(0, count);
}

/** The labels of the named classes, in the order given. */
function resolveClasses(argument: string, dataset: ImageDataset, references: readonly ClassReference[]): number[] {
  const labels = references.map((reference) => {
    const label = typeof reference === 'string' ? classLabel(dataset.classes, reference) : reference;
    if (dataset.classes[label] === undefined) {
      const known = listNames(dataset.classes);
      throw new RangeError(
        `${argument}: expected classes of ${dataset.name} (${known}), got ${JSON.stringify(reference)}`,
      );
    }
    return label;
  });
  const twice = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (twice >= 0) {
    throw new RangeError(`${argument}: expected every class once, got "${dataset.classes[labels[twice]]}" twice`);
  }
  return labels;
}
