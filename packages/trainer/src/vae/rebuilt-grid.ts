import type { ImageDataset } from '@learngene/datasets';
import type { Images } from '@learngene/report';
import * as tf from '@tensorflow/tfjs-core';
import { toUnit } from '../batches/diffusion-batch';
import type { AutoencoderLearner } from '../contracts/autoencoder';

/** Columns of the grid, and how many pairs of rows it has at most. */
export const GRID_COLUMNS = 12;
const GRID_ROWS = 4;

/** Rows of real images, each above the row of what the autoencoder makes of them; images spread evenly over the dataset. */
export async function rebuiltGrid(learner: AutoencoderLearner, images: ImageDataset): Promise<Images> {
  const { height, width, channels } = images;
  const bytes = height * width * channels;
  const count = Math.min(GRID_COLUMNS * GRID_ROWS, images.size);
  const rows = Math.ceil(count / GRID_COLUMNS);
  const data = new Uint8Array(2 * rows * GRID_COLUMNS * bytes).fill(255);
  for (let row = 0; row < rows; row++) {
    const shown = Math.min(GRID_COLUMNS, count - row * GRID_COLUMNS);
    const places = Array.from({ length: shown }, (_, i) =>
      Math.floor(((row * GRID_COLUMNS + i) * images.size) / count),
    );
    const real = await images.read(places);
    data.set(real, 2 * row * GRID_COLUMNS * bytes);
    data.set(await rebuilt(learner, real, [shown, height, width, channels]), (2 * row + 1) * GRID_COLUMNS * bytes);
  }
  return { data, count: 2 * rows * GRID_COLUMNS, height, width, channels };
}

async function rebuilt(
  learner: AutoencoderLearner,
  real: Uint8Array,
  shape: [number, number, number, number],
): Promise<Uint8ClampedArray> {
  const images = tf.tensor4d(toUnit(real), shape);
  const result = learner.rebuild(images);
  try {
    return Uint8ClampedArray.from(await result.data(), (value) => (value + 1) * 127.5);
  } finally {
    tf.dispose([images, result]);
  }
}
