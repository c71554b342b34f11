import type { ImageDataset } from '@learngene/datasets';
import type { Images } from '@learngene/report';

/**
 * The first images of every class, class after class; white where a class has fewer.
 *
 * @param perClass How many of each class.
 */
export async function firstImages(dataset: ImageDataset, perClass: number): Promise<Images> {
  const { height, width, channels } = dataset;
  const bytes = height * width * channels;
  const count = dataset.classes.length * perClass;
  const data = new Uint8Array(count * bytes).fill(255);
  for (const label of dataset.classes.keys()) {
    const own = Array.from(dataset.labels.keys()).filter((i) => dataset.labels[i] === label);
    data.set(await dataset.read(own.slice(0, perClass)), label * perClass * bytes);
  }
  return { data, count, height, width, channels };
}
