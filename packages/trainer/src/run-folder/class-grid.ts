import type { ImageDataset } from '@learngene/datasets';
import { counted } from '@learngene/pipeline';
import { checkMemory } from '../check-memory';
import { firstImages } from '../data/first-images';
import { writeGrid } from './write-grid';

/**
 * Writes a PNG with the first `columns` images of every class, a row a class.
 *
 * @throws ConfigError for more columns than fit into the memory
 */
export async function writeClassGrid(path: string, dataset: ImageDataset, columns: number): Promise<void> {
  const { classes, height, width, channels } = dataset;
  const bytes = classes.length * columns * height * width * channels;
  checkMemory('columns', `${counted(classes.length, 'row')} of ${columns}`, bytes);
  await writeGrid(path, await firstImages(dataset, columns), columns);
}
