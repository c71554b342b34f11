import type { Images } from '@learngene/report';
import { gridPng } from '@learngene/report/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';

/** Writes a grid of images as a PNG file, completely or not at all. */
export async function writeGrid(path: string, images: Images, columns: number): Promise<void> {
  await writeFileAtomic(path, await gridPng(images, columns));
}
