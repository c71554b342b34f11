import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatasetFileError, type ImageDataset } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { firstImages } from '../data/first-images';
import { GRID_CLASSES, GRID_COLUMNS, REALS_FILE } from '../reports/sample-progress';
import { writeGrid } from '../run-folder/write-grid';

/** What {@link writeReals} writes. */
export interface WriteRealsOptions {
  /** The run folder. */
  run: string;
  /** The images that it trains on. */
  data: ImageDataset;
  /** Is told where there are no pictures. */
  progress: Progress;
}

/**
 * Writes the first real pictures of the classes of a run's grids into its folder, unless they are there. Latents may be all that
 * is left of the images: then a warning says so, and the report shows none.
 */
export async function writeReals({ run, data, progress }: WriteRealsOptions): Promise<void> {
  const path = join(run, REALS_FILE);
  if (existsSync(path)) return;
  const shown = { ...data, classes: data.classes.slice(0, GRID_CLASSES) };
  try {
    await writeGrid(path, await firstImages(shown, GRID_COLUMNS), GRID_COLUMNS);
  } catch (error) {
    if (!(error instanceof DatasetFileError)) throw error;
    progress.warn(`no real pictures beside the samples: ${error.message}`);
  }
}
