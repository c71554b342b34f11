import type { FeatureExtractor, ImageSource } from '@learngene/metrics';

/** Images whose features are computed at a time. */
const BATCH = 256;

/** The features of images, [count][dims]. */
export async function featuresOf(extractor: FeatureExtractor, images: ImageSource): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (let start = 0; start < images.count; start += BATCH) {
    const end = Math.min(images.count, start + BATCH);
    const { features } = await extractor.extract(await images.read(start, end));
    for (let i = 0; i < end - start; i++) rows.push(features.slice(i * extractor.dims, (i + 1) * extractor.dims));
  }
  return rows;
}

/** For every vector the nearest of others: its index and its Euclidean distance. */
export interface Nearest {
  /** Index of the nearest, for each. */
  readonly index: Int32Array;
  /** Distance to it, for each. */
  readonly distance: Float64Array;
}

/**
 * Finds for every vector the nearest of others.
 *
 * @throws Error where there are no others
 */
export function nearestOf(vectors: readonly Float32Array[], others: readonly Float32Array[]): Nearest {
  if (others.length === 0) throw new Error('others: expected at least one vector, got none');
  const index = new Int32Array(vectors.length);
  const distance = new Float64Array(vectors.length).fill(Number.POSITIVE_INFINITY);
  for (const [i, vector] of vectors.entries()) {
    for (const [j, other] of others.entries()) {
      let sum = 0;
      for (let k = 0; k < vector.length; k++) sum += (vector[k] - other[k]) ** 2;
      if (sum >= distance[i]) continue;
      distance[i] = sum;
      index[i] = j;
    }
  }
  return { index, distance: distance.map(Math.sqrt) };
}

/** Distances, and the class of each. */
export interface ClassDistances {
  /** Distance of each. */
  readonly distance: ArrayLike<number>;
  /** Class of each. */
  readonly classes: ArrayLike<number>;
}

/**
 * The share of distances below the median of the others of their class, over the classes of which there are others; of the
 * others themselves it is one half, but for ties. Classes differ in how near to each other their members lie.
 *
 * @returns NaN where no class has others
 */
export function shareNearer(own: ClassDistances, others: ClassDistances): number {
  const medians = new Map(
    [...new Set(Array.from(others.classes))].map((name) => [name, median(ofClass(others, name))]),
  );
  const compared = Array.from(own.distance, (value, i) => ({ value, limit: medians.get(own.classes[i]) }));
  const known = compared.filter(({ limit }) => limit !== undefined);
  return known.filter(({ value, limit }) => value < (limit as number)).length / known.length;
}

function ofClass({ distance, classes }: ClassDistances, name: number): number[] {
  return Array.from(distance).filter((_, i) => classes[i] === name);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}
