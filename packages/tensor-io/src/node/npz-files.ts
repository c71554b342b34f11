import { type NpzOptions, type NpzReadOptions, npzChunks } from '../npz';
import { openNpz } from '../npz-file';
import type { NamedTensors, TensorData } from '../tensor-data';
import { writeFileAtomic } from './atomic-file';
import { fileSource } from './file-source';

/**
 * Reads all arrays of an npz file, each into its own memory that the caller owns. For one array, or some rows of it, use
 * `openNpz(await fileSource(path))`.
 * @throws {@link TensorFileError} for any file that breaks the format.
 */
export async function readNpz(path: string, options: NpzReadOptions = {}): Promise<Map<string, TensorData>> {
  const file = await openNpz(await fileSource(path), options);
  try {
    const tensors = new Map<string, TensorData>();
    for (const name of file.names) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

/** Writes an npz file whole or not at all, stored or deflated, without a second copy of stored data in memory. */
export async function writeNpz(path: string, tensors: NamedTensors, options: NpzOptions = {}): Promise<void> {
  await writeFileAtomic(path, npzChunks(path, tensors, options));
}
