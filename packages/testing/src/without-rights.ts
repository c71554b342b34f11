import { chmodSync, statSync } from 'node:fs';

/** The user nobody, who may write no file of others. */
const NOBODY = 65534;

/**
 * Runs an action while a file or folder may not be written, without the rights of root where the tests run as root. Not for
 * Windows, whose folders have no such mode.
 *
 * @param root The temporary folder that the path lies in; everyone may read it from then on.
 */
export async function withoutRights<T>(root: string, path: string, action: () => T | Promise<T>): Promise<T> {
  const { mode } = statSync(path);
  chmodSync(root, 0o755);
  chmodSync(path, mode & 0o555);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(path, mode);
  }
}
