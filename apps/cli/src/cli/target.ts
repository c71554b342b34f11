import { existsSync, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from './errors';

/** What {@link checkTarget} asks of a path that a command will write. */
export interface TargetOptions {
  /** The option that gave the path, as it is written: `--out`. */
  option: string;
  /** The file endings that the command can write, lower case with their dot; none for a folder. */
  endings?: readonly string[];
  /** Whether something that is there may be replaced. */
  force: boolean;
}

/** Adds the option that lets a command replace what is there. */
export function withForceOption(command: Command): Command {
  return command.option('--force', 'replace what is there already', false);
}

/**
 * Checks a path before any work is done: the ending names a format that the command writes, nothing is overwritten
 * unless `force` says so, and the path does not lead through a file.
 *
 * @throws UsageError naming the option and the path
 */
export function checkTarget(path: string, { option, endings = [], force }: TargetOptions): void {
  const ending = extname(path).toLowerCase();
  if (endings.length > 0 && !endings.includes(ending)) {
    const got = ending === '' ? 'none' : ending;
    throw new UsageError(`${option} ${path}: expected the ending ${endings.join(' or ')}, got ${got}`);
  }
  let parent = dirname(path);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  if (!statSync(parent).isDirectory()) throw new UsageError(`${option} ${path}: ${parent} is a file, not a folder`);
  if (!existsSync(path)) return;
  const isFolder = statSync(path).isDirectory();
  if (endings.length > 0 && isFolder) throw new UsageError(`${option} ${path}: expected a file, this is a folder`);
  if (!force) {
    throw new UsageError(`${option} ${path}: exists already; give --force to replace it, or another name`);
  }
}
