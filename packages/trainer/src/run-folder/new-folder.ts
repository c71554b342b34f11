import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '@learngene/pipeline';

/** Throws a ConfigError where a path leads through a file. */
export function checkParents(path: string, argument: string): void {
  let parent = dirname(path);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  if (!statSync(parent).isDirectory()) {
    throw new ConfigError(`${argument} ${path}: ${parent} is a file, not a folder`, { argument });
  }
}

/** The first thing in a folder, hidden ones apart, that is not among the names; undefined where there is none. */
export function strangerIn(folder: string, names: readonly string[]): string | undefined {
  return readdirSync(folder).find((name) => !name.startsWith('.') && !names.includes(name));
}
