import { inMemoryDataset } from '../src/memory';
import type { ImageDataset } from '../src/types';

/** A tiny dataset whose pixels tell index and place: image i is [i, i, ...] in channel 0 and the column in channel 1. */
export function tinyDataset(labels: readonly number[], classes?: readonly string[]): ImageDataset {
  const height = 2;
  const width = 3;
  const images = Uint8Array.from({ length: labels.length * 12 }, (_, i) =>
    i % 2 === 0 ? Math.floor(i / 12) : Math.floor(i / 2) % width,
  );
  const names = classes ?? Array.from({ length: Math.max(-1, ...labels) + 1 }, (_, i) => `class ${i}`);
  return inMemoryDataset({ name: 'tiny', images, labels, height, width, channels: 2, classes: names });
}
