import { lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkOptions } from '../arguments';
import { TensorFileError } from '../tensor-file-error';
import { syncFolder, temporaryName } from './atomic-file';
import { renameOver } from './rename-over';
import { systemError } from './system-error';

/** Options of {@link writeFolderAtomic}. */
export interface FolderOptions {
  /** Replace a folder that exists (default false: a folder that exists is an error). */
  replace?: boolean;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Syncs every file and folder below `folder`, then itself. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      const handle = await open(path, 'r+');
      await handle.sync().finally(() => handle.close());
    }
  }
  await syncFolder(folder);
}

/** Moves `temporary` to `path`. What is at `path` is moved aside first and then removed. */
async function exchange(temporary: string, path: string): Promise<void> {
  const old = temporaryName(path);
  await renameOver(path, old);
  try {
    await renameOver(temporary, path);
  } catch (error) {
    await renameOver(old, path);
    throw error;
  }
  await syncFolder(dirname(path));
  await rm(old, { recursive: true, force: true });
}

/**
 * Writes a folder whole or not at all, for checkpoints. `build` fills a hidden sibling folder; its files are synced,
 * and it is renamed to `path`. Where `build` or anything else fails, the sibling is removed and `path` stays as it was.
 *
 * If `path` exists, that is an error before `build` is called. With `replace` the old folder is moved aside, the new
 * one moved in, and the old one removed. No portable system call swaps two folders. A crash between the two moves
 * therefore leaves no `path`, but both folders complete beside it, named `.<name>.<random>.tmp`. Write numbered folders
 * where that matters.
 * @throws {@link TensorFileError} naming `path`, with the failure as `cause`; an error of `build` is thrown as it is.
 */
export async function writeFolderAtomic(
  path: string,
  build: (temporaryFolder: string) => Promise<void>,
  options: FolderOptions = {},
): Promise<void> {
  checkOptions(path, options, ['replace']);
  const target = resolve(path);
  const temporary = temporaryName(target);
  const guarded = <T>(action: Promise<T>): Promise<T> =>
    action.catch((cause: unknown) => {
      throw systemError(path, 'write the folder', cause);
    });
  const checkFree = async () => {
    const taken = await guarded(exists(target));
    if (taken && !options.replace) throw new TensorFileError(path, 'cannot write the folder: it exists already');
    return taken;
  };
  await checkFree();
  await guarded(mkdir(temporary));
  try {
    await build(temporary);
    await guarded(syncTree(temporary));
    await guarded((await checkFree()) ? exchange(temporary, target) : renameOver(temporary, target));
    await guarded(syncFolder(dirname(target)));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}
