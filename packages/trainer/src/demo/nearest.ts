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

/** The share of distances below the median of others; of the others themselves it is one half, but for ties. */
export function shareBelowMedian(distances: ArrayLike<number>, others: ArrayLike<number>): number {
  const sorted = Array.from(others).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return Array.from(distances).filter((value) => value < median).length / distances.length;
}
