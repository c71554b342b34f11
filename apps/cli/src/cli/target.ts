import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, extname, join, sep } from 'node:path';
import { checkParents, checkWritable, strangerIn } from '@learngene/trainer/node';
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
  /** All that a folder may hold for `force` to replace it: what the command writes. A folder that holds more is refused. */
  holds?: readonly string[];
  /** Paths that the command reads: what is replaced must not be, or hold, one of them. */
  sources?: readonly string[];
}

/** Endings of files that some command writes or reads: a folder is not given one. */
const FILE_ENDINGS = ['.safetensors', '.pt', '.pth', '.npz', '.npy', '.png', '.json'];

/** The files of a bundle: what `--force` may replace a folder of. */
export const BUNDLE_ENTRIES = ['kind.json', 'learngenes.safetensors', 'shared.safetensors', 'tailors'];

/** Adds the option that lets a command replace what is there. */
export function withForceOption(command: Command): Command {
  return command.option('--force', 'replace what is there already', false);
}

/**
 * Checks a path before any work is done: the ending names a format that the command writes, nothing is overwritten
 * unless `force` says so, and the path does not lead through a file nor into a folder that may not be written.
 *
 * @throws UsageError naming the option and the path; Error where the system does not let the command write there
 */
export function checkTarget(path: string, options: TargetOptions): void {
  const { option, endings = [], force, holds = [], sources = [] } = options;
  const ending = extname(path).toLowerCase();
  if (endings.length > 0 && !endings.includes(ending)) {
    const got = ending === '' ? 'none' : ending;
    throw new UsageError(`${option} ${path}: expected the ending ${endings.join(' or ')}, got ${got}`);
  }
  if (endings.length === 0 && FILE_ENDINGS.includes(ending)) {
    throw new UsageError(`${option} ${path}: expected the name of a folder, got the ending ${ending} of a file`);
  }
  checkParents(path, option);
  // A file or a bundle is written beside its place, and then put there.
  checkWritable(dirname(path), `${option} ${path}`);
  if (!existsSync(path)) return;
  const isFolder = statSync(path).isDirectory();
  if (endings.length > 0 && isFolder) throw new UsageError(`${option} ${path}: expected a file, this is a folder`);
  if (!force) {
    throw new UsageError(`${option} ${path}: exists already; give --force to replace it, or another name`);
  }
  const target = realpathSync(path);
  for (const source of sources) {
    if (existsSync(source) && `${realpathSync(source)}${sep}`.startsWith(`${target}${sep}`)) {
      throw new UsageError(`${option} ${path}: --force would delete ${source}, which is read; give another name`);
    }
  }
  if (endings.length > 0) return;
  if (!isFolder) throw new UsageError(`${option} ${path}: expected a folder, this is a file`);
  const stranger = strangerIn(path, holds);
  if (stranger !== undefined) {
    throw new UsageError(
      `${option} ${path}: --force replaces only what this command writes, and would delete ${join(path, stranger)}`,
    );
  }
  checkWritable(path, `${option} ${path}`);
}
