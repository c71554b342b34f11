import { writeFileAtomic } from '@learngene/tensor-io/node';
import { gridPng, type Pictures } from '../sampling/grid';

/** Writes a grid of pictures as a PNG file, whole or not at all. */
export async function writeGrid(path: string, pictures: Pictures, columns: number): Promise<void> {
  await writeFileAtomic(path, await gridPng(pictures, columns));
}
