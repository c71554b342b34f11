import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { systemReason } from '@learngene/tensor-io';

/** The path, or the nearest folder above it that exists. */
function existing(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Throws a ConfigError where a path leads through a file. */
export function checkParents(path: string, argument: string): void {
  const parent = existing(dirname(path));
  if (!statSync(parent).isDirectory()) {
    throw new ConfigError(`${argument} ${path}: ${parent} is a file, not a folder`, { argument });
  }
}

/** Throws an Error that begins with `name` where the system refuses what `write` tries. */
function tryToWrite(name: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    const why = systemReason(cause) ?? (cause as Error).message;
    throw new Error(`${name}: cannot write: ${why}`, { cause });
  }
}

/**
 * Throws where a folder, or the one above it that it would be made in, may not be written. Only the system knows: a
 * hidden folder is made there and removed.
 *
 * @param name - what the message begins with.
 * @throws Error naming the path and why
 */
export function checkWritable(path: string, name = path): void {
  tryToWrite(name, () => rmdirSync(mkdtempSync(join(existing(path), '.learngene-'))));
}

/**
 * Throws where a file that is there may not be changed; where there is none, nothing is checked.
 *
 * @throws Error naming the path and why
 */
export function checkChangeable(path: string): void {
  if (existsSync(path)) tryToWrite(path, () => closeSync(openSync(path, 'r+')));
}

/** The first thing in a folder, hidden ones apart, that is not among the names; undefined where there is none. */
export function strangerIn(folder: string, names: readonly string[]): string | undefined {
  return readdirSync(folder).find((name) => !name.startsWith('.') && !names.includes(name));
}
