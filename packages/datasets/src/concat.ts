import { checkIndices } from './check';
import type { ImageDataset, ReadOptions } from './types';

/**
 * Datasets of one image size and the same classes, one after the other, as one dataset.
 *
 * @throws RangeError where there is none, or where sizes, channels or classes differ, and for a dataset with latents
 */
export function concatDatasets(
  datasets: readonly ImageDataset[],
  options: { readonly name?: string } = {},
): ImageDataset {
  if (datasets.length === 0) throw new RangeError('datasets: expected at least one, got none');
  const [{ height, width, channels, classes }] = datasets;
  for (const other of datasets) {
    const got = `${other.height}x${other.width}x${other.channels}`;
    if (got !== `${height}x${width}x${channels}`) {
      throw new RangeError(`${other.name}: expected images of ${height}x${width}x${channels}, got ${got}`);
    }
    if (other.latents !== undefined) {
      throw new RangeError(`${other.name}: expected a dataset without latents, got one with latents`);
    }
    if (other.classes.length !== classes.length || other.classes.some((name, i) => name !== classes[i])) {
      throw new RangeError(`${other.name}: expected the classes of ${datasets[0].name}, got others`);
    }
  }
  const name = options.name ?? datasets.map((dataset) => dataset.name).join(' + ');
  const starts: number[] = [];
  let size = 0;
  for (const dataset of datasets) {
    starts.push(size);
    size += dataset.size;
  }
  const labels = new Int32Array(size);
  datasets.forEach((dataset, i) => {
    labels.set(dataset.labels, starts[i]);
  });
  const bytes = height * width * channels;
  return {
    name,
    size,
    height,
    width,
    channels,
    classes: [...classes],
    labels,
    async read(indices, reading) {
      checkIndices(indices, { name, size });
      const out = new Uint8Array(indices.length * bytes);
      await Promise.all(
        datasets.map((dataset, i) => readPart(dataset, { start: starts[i], indices, out, bytes, reading })),
      );
      return out;
    },
  };
}

interface PartOptions {
  /** Index of the dataset's first image among all. */
  readonly start: number;
  readonly indices: ArrayLike<number>;
  readonly out: Uint8Array;
  /** Bytes of an image. */
  readonly bytes: number;
  readonly reading?: ReadOptions;
}

async function readPart(dataset: ImageDataset, { start, indices, out, bytes, reading }: PartOptions): Promise<void> {
  const places = Array.from({ length: indices.length }, (_, place) => place).filter(
    (place) => indices[place] >= start && indices[place] < start + dataset.size,
  );
  if (places.length === 0) return;
  const images = await dataset.read(
    places.map((place) => indices[place] - start),
    reading,
  );
  places.forEach((place, i) => {
    out.set(images.subarray(i * bytes, (i + 1) * bytes), place * bytes);
  });
}
