import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { packDataset } from '@learngene/datasets';
import { writeSafetensors } from '@learngene/tensor-io/node';
import type { DecodedDataset } from './decode-data';

/** Writes images with their classes into one `.safetensors` file, which `openData` reads; the folders above it are made. */
export async function writePacked(path: string, dataset: DecodedDataset): Promise<void> {
  const { name, classes, enlarged } = dataset;
  await mkdir(dirname(path), { recursive: true });
  const metadata = {
    name,
    classes: JSON.stringify(classes),
    ...(enlarged !== undefined && { enlarged: JSON.stringify(enlarged) }),
  };
  await writeSafetensors(path, await packDataset(dataset), { metadata });
}
