import { readFileSync, realpathSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Another process, or another call of this one, works in a folder. */
export class FolderLockedError extends Error {
  /** Always `'FolderLockedError'`. */
  override readonly name = 'FolderLockedError';
  /** The id of the process that works there. */
  readonly processId: number;

  /** Makes the error of a folder. */
  constructor(folder: string, processId: number) {
    const who = processId === process.pid ? 'another call of this process' : `another process (id ${processId})`;
    super(`${folder}: ${who} works in this folder`);
    this.processId = processId;
  }
}

/** Every process that works in a folder has an empty hidden file there: `.process-HOST-ID-START`. */
const MARKER = /^\.process-(.*)-(\d+)-(\d+)$/;

/** The folders that this process works in. */
const held = new Set<string>();

/**
 * When a process was started, in the system's ticks since it booted, where /proc tells; 0 elsewhere. It tells a process
 * from an earlier one of the same id. Undefined where there is no such process, or one that was killed and only waits to
 * be collected.
 */
function startOf(id: number): number | undefined {
  try {
    process.kill(id, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  let text: string;
  try {
    text = readFileSync(`/proc/${id}/stat`, 'latin1');
  } catch {
    return 0;
  }
  // proc(5): state is field 3, the first one after the name in brackets; the start is field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

/** The name of the file by which a living process marks a folder. */
export function lockMarker(id: number): string {
  return `.process-${encodeURIComponent(hostname())}-${id}-${startOf(id) ?? 0}`;
}

/** The other processes of this machine that work in a folder; the marks of those that ended without removing it go. */
async function othersIn(folder: string): Promise<number[]> {
  const others: number[] = [];
  for (const name of await readdir(folder)) {
    const [, host, id] = MARKER.exec(name) ?? [];
    if (host !== encodeURIComponent(hostname()) || name === lockMarker(process.pid)) continue;
    if (startOf(Number(id)) !== undefined && name === lockMarker(Number(id))) others.push(Number(id));
    else await rm(join(folder, name), { force: true });
  }
  return others;
}

/**
 * Keeps a folder to this process, among those of this machine. Each process marks the folder by a file of its own and looks
 * for others only then, so that of two that start at once never both go on. The mark of a process that was killed counts for
 * nothing.
 *
 * @param path - the folder; it exists
 * @returns what gives the folder free again
 * @throws FolderLockedError naming the process that works there; the system's error where the folder may not be written
 */
export async function lockFolder(path: string): Promise<() => Promise<void>> {
  const folder = realpathSync(path);
  if (held.has(folder)) throw new FolderLockedError(path, process.pid);
  held.add(folder);
  const marker = join(folder, lockMarker(process.pid));
  const release = async () => {
    held.delete(folder);
    await rm(marker, { force: true });
  };
  try {
    await writeFile(marker, '');
    const [other] = await othersIn(folder);
    if (other === undefined) return release;
    throw new FolderLockedError(path, other);
  } catch (error) {
    await release();
    throw error;
  }
}
