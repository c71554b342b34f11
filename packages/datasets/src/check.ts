import { normalName } from './class-names';
import type { ImageDataset } from './types';

/** Throws unless `value` is an integer of at least `low` (and at most `high`). */
export function checkInteger(name: string, value: number, low: number, high = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
    throw new RangeError(`${name}: expected an integer ${range}, got ${value}`);
  }
}

/** Throws unless every index is one of the dataset's. */
export function checkIndices(indices: ArrayLike<number>, { name, size }: Pick<ImageDataset, 'name' | 'size'>): void {
  for (let i = 0; i < indices.length; i++) {
    if (!Number.isInteger(indices[i]) || indices[i] < 0 || indices[i] >= size) {
      throw new RangeError(`indices: expected integers from 0 to ${size - 1} (${name}), got ${indices[i]} at ${i}`);
    }
  }
}

/** Throws unless there is a label for each of `size` images and every label names one of the classes. */
export function checkLabels(labels: ArrayLike<number>, size: number, classes: readonly string[]): void {
  if (labels.length !== size) throw new RangeError(`labels: expected ${size}, got ${labels.length}`);
  const wrong = Array.prototype.findIndex.call(
    labels,
    (label) => !(Number.isInteger(label) && label >= 0 && label < classes.length),
  );
  if (wrong >= 0) {
    throw new RangeError(`labels: expected numbers from 0 to ${classes.length - 1}, got ${labels[wrong]} at ${wrong}`);
  }
  const seen = new Set<string>();
  const twice = classes.find((name) => seen.size === seen.add(normalName(name)).size);
  if (twice !== undefined) throw new RangeError(`classes: expected different names, got "${twice}" twice`);
}
