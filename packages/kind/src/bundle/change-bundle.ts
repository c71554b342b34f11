import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { lockFolder, writeFileAtomic } from '@learngene/tensor-io/node';
import type { BundleChange } from './bundle-change';
import { BundleError, messageOf } from './bundle-error';
import type { FetchPiece } from './fetch-bundle';
import { MANIFEST_FILE } from './file-names';
import { folderBundle, naming } from './folder-files';

/**
 * Changes the folder of a bundle. New files are written first, under names that the old bundle does not use; kind.json is
 * replaced last, in one step; then the files that left are deleted. Whoever is stopped in between, at whatever moment, leaves the
 * old bundle or the new one. Where a file cannot be written (disk full, read-only folder) those that were written go again.
 *
 * @param folder - the bundle. No other process of this machine may change it at the same time: it is refused.
 * @param change - what is to be changed, such as `(files) => addTailors(files, tailors)`.
 * @returns the change. Rejects with whatever `change` rejects with (a {@link BundleError} names the folder), and with an Error
 *   naming the file that could not be written or, the new bundle being in place, deleted.
 */
export async function changeBundle(
  folder: string,
  change: (files: FetchPiece) => Promise<BundleChange>,
): Promise<BundleChange> {
  return naming(folder, async () => {
    const root = await realpath(folder).catch((cause: unknown) => {
      throw new BundleError(MANIFEST_FILE, `cannot be fetched: ${messageOf(cause)}`, { cause });
    });
    const release = await lockFolder(root).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === undefined) throw cause;
      throw new Error(`${folder}: cannot write: ${messageOf(cause)}`, { cause });
    });
    try {
      const wanted = await change(folderBundle(root));
      await writeAll(root, wanted.write);
      for (const file of wanted.remove) await rm(join(root, file), { force: true });
      return wanted;
    } finally {
      await release();
    }
  });
}

/** Writes files in order, the last one kind.json; after a failure the others go again. */
async function writeAll(root: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const written: string[] = [];
  try {
    for (const [file, bytes] of files) {
      const path = join(root, file);
      await mkdir(dirname(path), { recursive: true });
      const parent = await realpath(dirname(path));
      if (parent !== root && !parent.startsWith(root + sep)) throw new BundleError(file, 'leads out of the folder');
      if (file !== MANIFEST_FILE) written.push(path);
      await writeFileAtomic(path, bytes);
    }
  } catch (error) {
    // Where only the folder could not be synced, the new kind.json is there and needs its files.
    const there = await readFile(join(root, MANIFEST_FILE)).catch(() => undefined);
    const wanted = files.get(MANIFEST_FILE);
    const isNew = there !== undefined && wanted !== undefined && there.equals(wanted);
    if (!isNew) for (const path of written) await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}
