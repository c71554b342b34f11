import { TensorFileError } from '../tensor-file-error';

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'no space is left on the device'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be larger than the system allows'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'the operation is not permitted'],
  ['EROFS', 'the file system is read-only'],
  ['ENOENT', 'no such file or folder'],
  ['ENOTDIR', 'a part of the path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'it exists already'],
  ['ENOTEMPTY', 'it exists already and is not empty'],
  ['EXDEV', 'it lies on another file system'],
  ['EMFILE', 'too many files are open'],
  ['EIO', 'the device failed'],
]);

/**
 * Makes a {@link TensorFileError} `<path>: cannot <action>: <reason> (<CODE>)` of an error of the system, which becomes
 * its cause. A TensorFileError is returned as it is.
 */
export function systemError(path: string, action: string, cause: unknown): TensorFileError {
  if (cause instanceof TensorFileError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason =
    code && REASONS.has(code) ? `${REASONS.get(code)} (${code})` : String((cause as Error)?.message ?? cause);
  return new TensorFileError(path, `cannot ${action}: ${reason}`, { cause });
}
