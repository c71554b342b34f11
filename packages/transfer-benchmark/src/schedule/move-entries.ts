import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type RenameSystem, renameOver } from '@learngene/tensor-io/node';

/** How {@link moveEntries} moves. */
export interface MoveEntriesOptions {
  /** Whether an entry is moved (default: all are). */
  wanted?(name: string): boolean;
  /** The system that renames (default: this one). */
  system?: RenameSystem;
}

/**
 * Moves what lies in a folder to another one, over what is there by the same name. A folder that is not there holds nothing.
 * On Windows a file that another program has open for a moment is waited for.
 *
 * @throws the system's error
 */
export async function moveEntries(
  from: string,
  to: string,
  { wanted = () => true, system }: MoveEntriesOptions = {},
): Promise<void> {
  if (!existsSync(from)) return;
  for (const name of (await readdir(from)).filter(wanted)) {
    await mkdir(to, { recursive: true });
    await rm(join(to, name), { recursive: true, force: true, maxRetries: 5 });
    await renameOver(join(from, name), join(to, name), system);
  }
}
