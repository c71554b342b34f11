import { checkOptions } from '../arguments';
import { type NpzFileOptions, type NpzOptions, npzChunks } from '../npz';
import { openNpz } from '../npz-file';
import { askedNames, readEachAsync } from '../read-each';
import type { NamedTensors, TensorData } from '../tensor-data';
import { writeFileAtomic } from './atomic-file';
import { fileSource } from './file-source';

/**
 * Reads the arrays of an npz file (all, or `options.names` and `options.optional`), each into new memory that the
 * caller owns. For the rest see `decodeNpz`. To read some rows of an array use `openNpz(await fileSource(path))`.
 * @throws {@link TensorFileError} for any file that breaks the format, an array that it lacks, and a wrong option.
 */
export async function readNpz(path: string, options: NpzFileOptions = {}): Promise<Map<string, TensorData>> {
  const file = await openNpz(await fileSource(path), options);
  try {
    return await readEachAsync(askedNames(path, file.names, options), (name) => file.read(name));
  } finally {
    await file.close();
  }
}

/** Writes an npz file whole or not at all, stored or deflated, without a second copy of stored data in memory. */
export async function writeNpz(path: string, tensors: NamedTensors, options: NpzOptions = {}): Promise<void> {
  checkOptions(path, options, ['compress']);
  await writeFileAtomic(path, npzChunks(path, tensors, options));
}
