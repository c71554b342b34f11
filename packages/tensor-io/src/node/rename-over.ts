import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** What Windows answers while another program has the file open, as virus scanners and indexers do for a moment. */
const BUSY: ReadonlySet<unknown> = new Set(['EACCES', 'EBUSY', 'EPERM']);

/** Milliseconds between the attempts: about two and a half seconds in all. */
const WAITS = [10, 20, 40, 80, 160, 320, 640, 1280];

/** The system that a rename runs on; a test gives its own. */
export interface RenameSystem {
  /** Which system it is; only Windows is waited for. */
  platform: NodeJS.Platform;
  /** Renames, as `rename` of `node:fs/promises`. */
  rename: (from: string, to: string) => Promise<void>;
  /** Waits. */
  sleep: (milliseconds: number) => Promise<unknown>;
}

/**
 * Renames a file or folder, over a file that is there. On Windows, which refuses this while another program has one of the
 * files open, it tries again for about two and a half seconds.
 *
 * @throws the system's error
 */
export async function renameOver(
  from: string,
  to: string,
  system: RenameSystem = { platform: process.platform, rename, sleep },
): Promise<void> {
  for (const wait of system.platform === 'win32' ? WAITS : []) {
    try {
      return await system.rename(from, to);
    } catch (error) {
      if (!BUSY.has((error as NodeJS.ErrnoException).code)) throw error;
      await system.sleep(wait);
    }
  }
  return system.rename(from, to);
}
