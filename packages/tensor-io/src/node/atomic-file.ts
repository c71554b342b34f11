import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TensorFileError } from '../tensor-file-error';
import { renameOver } from './rename-over';
import { systemError } from './system-error';

/** What a file is made of: bytes, text (UTF-8), or pieces of bytes one after another. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The system writes less than 2 GiB at a time. */
const MAX_WRITE = 2 ** 30;

/** A hidden name beside `path` that nobody can guess. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

/** Writes all bytes to an open file. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, Math.min(bytes.length - written, MAX_WRITE));
    written += bytesWritten;
  }
}

/**
 * Syncs a folder, so that a rename or a new entry in it survives a power cut. Windows cannot open folders, and does not
 * need it.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Creates a temporary file beside `path`, lets `fill` write to it, syncs it, renames it to `path` and syncs the folder.
 * Any failure removes the temporary file.
 */
export async function replaceFile(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  if (typeof path !== 'string' || path === '') throw new TensorFileError(String(path), 'expected a path');
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameOver(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw systemError(path, 'write', cause);
  }
  await syncFolder(dirname(path)).catch((cause: unknown) => {
    throw systemError(path, 'sync its folder', cause);
  });
}

/**
 * Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder. Readers
 * see the old file or the new one. A failure leaves the old file and removes the temporary one. A crash may leave a
 * hidden temporary file with the ending `.tmp`. A symbolic link at `path` is replaced, not followed.
 * @throws {@link TensorFileError} naming `path`, with the system's error as `cause` (no space, no permission, ...).
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> =
    typeof content === 'string'
      ? [new TextEncoder().encode(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  await replaceFile(path, async (handle) => {
    for await (const chunk of chunks) await writeAll(handle, chunk);
  });
}
