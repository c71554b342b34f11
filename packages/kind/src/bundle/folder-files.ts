import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileSource } from '@learngene/tensor-io/node';
import { BundleError } from './bundle-error';
import type { FetchPiece } from './fetch-bundle';
import { MAX_MANIFEST_BYTES } from './manifest';

/** What `work` gives; a {@link BundleError} that it throws names the folder too. */
export async function naming<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BundleError) || error.folder !== undefined) throw error;
    throw new BundleError(error.file, error.problem, {
      folder,
      ...(error.cause !== undefined && { cause: error.cause }),
    });
  }
}

/** The files of a bundle in a folder. Nothing outside the folder is read, not even through a symbolic link. */
export function folderBundle(folder: string): FetchPiece {
  return async (file, expected) => {
    const root = await realpath(folder);
    const path = await realpath(join(root, file));
    if (path !== join(root, file) && !path.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new BundleError(file, 'leads out of the folder');
    }
    // Asked before opening: to open a pipe would wait for its writer.
    if (!(await stat(path)).isFile()) throw new BundleError(file, 'is no regular file');
    const source = await fileSource(path);
    try {
      if (expected && source.size !== expected.bytes) {
        throw new BundleError(file, `expected ${expected.bytes} bytes, got ${source.size}`);
      }
      if (source.size > (expected?.bytes ?? MAX_MANIFEST_BYTES)) {
        throw new BundleError(file, `expected at most ${MAX_MANIFEST_BYTES} bytes, got ${source.size}`);
      }
      return await source.read(0, source.size);
    } finally {
      await source.close();
    }
  };
}
