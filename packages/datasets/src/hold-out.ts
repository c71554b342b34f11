import { createGenerator, permutation, stream } from '@learngene/random';
import { checkInteger } from './check';
import { classCounts, subset } from './subset';
import type { ImageDataset } from './types';

/** How much of every class {@link holdOut} holds out. Give either `perClass` or `fraction`. */
export interface HoldOutOptions {
  /** Number of images of every class. */
  readonly perClass?: number;
  /** Share of every class, above 0 and below 1, rounded to whole images. */
  readonly fraction?: number;
  /** Seed of the draw. */
  readonly seed: number;
}

/** The two parts of {@link holdOut}. */
export interface HeldOut {
  /** What is left to train on. */
  readonly train: ImageDataset;
  /** What is held out. */
  readonly heldOut: ImageDataset;
}

/**
 * Splits a dataset by image: a part of every class is held out. Which images depends only on the seed, the class's name
 * and its number of images, so it stays the same when other classes are added or removed. Both parts keep labels,
 * classes and order; every image is in exactly one of them.
 *
 * @throws RangeError for bad options, or where nothing of a class would be left to train on
 */
export function holdOut(dataset: ImageDataset, options: HoldOutOptions): HeldOut {
  const { seed } = options;
  const members: number[][] = dataset.classes.map(() => []);
  dataset.labels.forEach((label, index) => {
    members[label].push(index);
  });
  const held = new Uint8Array(dataset.size);
  const counts = classCounts(dataset);
  for (const [label, count] of heldCounts(counts, options).entries()) {
    const name = dataset.classes[label];
    if (count > 0 && count >= counts[label]) {
      throw new RangeError(`perClass: expected less than class "${name}" has, ${counts[label]}, got ${count}`);
    }
    const order = permutation(stream(createGenerator(seed), `hold-out/${name}`), counts[label]);
    for (const place of order.subarray(0, count)) held[members[label][place]] = 1;
  }
  const part = (flag: number) => Array.from(held.keys()).filter((index) => held[index] === flag);
  return { train: subset(dataset, part(0)), heldOut: subset(dataset, part(1)) };
}

/** Computes how many images of each class are held out. */
function heldCounts(counts: Int32Array, { perClass, fraction }: HoldOutOptions): number[] {
  if ((perClass === undefined) === (fraction === undefined)) {
    throw new RangeError(`perClass, fraction: expected one of them, got ${perClass === undefined ? 'none' : 'both'}`);
  }
  if (perClass !== undefined) {
    checkInteger('perClass', perClass, 1);
    return Array.from(counts, (count) => (count === 0 ? 0 : perClass));
  }
  if (!(fraction! > 0 && fraction! < 1))
    throw new RangeError(`fraction: expected above 0 and below 1, got ${fraction}`);
  return Array.from(counts, (count) => Math.min(Math.max(0, count - 1), Math.round(fraction! * count)));
}
