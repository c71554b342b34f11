import { ConfigError } from '@learngene/pipeline';
import { FolderLockedError, lockFolder } from '@learngene/tensor-io/node';

/**
 * Keeps a run folder to this process, among those of this machine.
 *
 * @param run - the run folder; it exists
 * @returns what gives the folder free again
 * @throws ConfigError naming the process that works there
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(run);
  } catch (error) {
    if (!(error instanceof FolderLockedError)) throw error;
    const { processId } = error;
    const who = processId === process.pid ? 'another training of this process' : `another process (id ${processId})`;
    throw new ConfigError(`${run}: ${who} works in this run`, { cause: error });
  }
}
