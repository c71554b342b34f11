import os from 'node:os';
import { ConfigError } from '@learngene/pipeline';

/** The most bytes that one array can have in this version of Node. */
const LARGEST_ARRAY = 2 ** 32;

/**
 * Refuses work that one array in memory cannot hold, before anything is allocated.
 *
 * @param what - what the array holds, for the message
 * @throws ConfigError naming the argument, the bytes needed and those there are
 */
export function checkMemory(argument: string, what: string, bytes: number): void {
  const most = Math.min(LARGEST_ARRAY, os.totalmem());
  if (bytes <= most) return;
  const gibi = (value: number) => `${(value / 2 ** 30).toFixed(1)} GiB`;
  throw new ConfigError(
    `${argument}: ${what} need ${gibi(bytes)} in one piece, at most ${gibi(most)} are to be had here`,
    {
      argument,
    },
  );
}
