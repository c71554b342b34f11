import os from 'node:os';
import { ConfigError } from '@learngene/pipeline';

/** The most bytes that one array can have in this version of Node. */
const LARGEST_ARRAY = 2 ** 32;

const gibi = (bytes: number) =>
  `${(bytes / 2 ** 30).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GiB`;

/** Bytes of memory that this process can have at most: those of the machine, or of its container where that has fewer. */
function machineMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(os.totalmem(), limit) : os.totalmem();
}

/**
 * Refuses work that one array in memory cannot hold, before anything is allocated.
 *
 * @param what - what the array holds, for the message
 * @throws ConfigError naming the argument, the bytes needed and those there are
 */
export function checkMemory(argument: string, what: string, bytes: number): void {
  const most = Math.min(LARGEST_ARRAY, machineMemory());
  if (bytes <= most) return;
  throw new ConfigError(
    `${argument}: ${what} need ${gibi(bytes)} in one piece, at most ${gibi(most)} are to be had here`,
    {
      argument,
    },
  );
}

/**
 * Refuses work that needs more memory than the machine has, before anything is allocated.
 *
 * @param what - what needs it, for the message
 * @throws ConfigError naming the argument, the bytes needed and those there are
 */
export function checkTotalMemory(argument: string, what: string, bytes: number): void {
  const most = machineMemory();
  if (bytes <= most) return;
  throw new ConfigError(`${argument}: ${what} need ${gibi(bytes)} of memory, this machine has ${gibi(most)}`, {
    argument,
  });
}
