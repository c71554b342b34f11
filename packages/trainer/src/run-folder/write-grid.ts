import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Images } from '@learngene/report';
import { gridPng } from '@learngene/report/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';

/** Writes a grid of images as a PNG file, completely or not at all; the folders above it are made. */
export async function writeGrid(path: string, images: Images, columns: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, await gridPng(images, columns));
}
