import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, extname, join, sep } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { checkParents, checkWritable, strangerIn } from './new-folder';

/** What {@link checkTarget} asks of a path that will be written. */
export interface TargetOptions {
  /** What messages call the path. */
  option: string;
  /** The file endings that can be written, lower case with their dot; none for a folder. */
  endings?: readonly string[];
  /** Whether something that is there may be replaced. */
  force: boolean;
  /** What messages call that permission. */
  forceName: string;
  /** All that a folder may hold for `force` to replace it. A folder that holds more is refused. */
  holds?: readonly string[];
  /** Paths that are read: what is replaced must not be, or hold, one of them. */
  sources?: readonly string[];
}

/** Endings of files that are written or read: a folder is not given one. */
const FILE_ENDINGS = ['.safetensors', '.pt', '.pth', '.npz', '.npy', '.png', '.json', '.html', '.csv'];

/**
 * Checks a path before any work is done: the ending names a format that can be written, nothing is overwritten unless
 * `force` says so, and the path does not lead through a file nor into a folder that may not be written.
 *
 * @throws ConfigError naming the path; Error where the system does not let this process write there
 */
export function checkTarget(path: string, options: TargetOptions): void {
  const { option, endings = [], force, forceName, holds = [], sources = [] } = options;
  const refused = (why: string) => new ConfigError(`${option} ${path}: ${why}`, { argument: option });
  const ending = extname(path).toLowerCase();
  if (endings.length > 0 && !endings.includes(ending)) {
    throw refused(`expected the ending ${endings.join(' or ')}, got ${ending === '' ? 'none' : ending}`);
  }
  if (endings.length === 0 && FILE_ENDINGS.includes(ending)) {
    throw refused(`expected the name of a folder, got the ending ${ending} of a file`);
  }
  checkParents(path, option);
  // A file or a folder is written beside its place, and then put there.
  checkWritable(dirname(path), `${option} ${path}`);
  if (!existsSync(path)) return;
  const isFolder = statSync(path).isDirectory();
  if (endings.length > 0 && isFolder) throw refused('expected a file, this is a folder');
  if (!force) throw refused(`exists already; give ${forceName} to replace it, or another name`);
  const target = realpathSync(path);
  for (const source of sources) {
    if (!existsSync(source) || !`${realpathSync(source)}${sep}`.startsWith(`${target}${sep}`)) continue;
    throw refused(`${forceName} would delete ${source}, which is read; give another name`);
  }
  if (endings.length > 0) return;
  if (!isFolder) throw refused('expected a folder, this is a file');
  const stranger = strangerIn(path, holds);
  if (stranger !== undefined) {
    throw refused(`${forceName} replaces only what this command writes, and would delete ${join(path, stranger)}`);
  }
  checkWritable(path, `${option} ${path}`);
}
