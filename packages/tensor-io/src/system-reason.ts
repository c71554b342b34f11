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
 * Why the system refused something, in words and with its code: `no such file or folder (ENOENT)`. Its own message names the call and
 * the path too, which whoever reports it has said already.
 *
 * @param error - whatever was thrown.
 * @returns undefined for what is no error of the system, and for one of another code
 */
export function systemReason(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  const reason = typeof code === 'string' ? REASONS.get(code) : undefined;
  return reason === undefined ? undefined : `${reason} (${code})`;
}
