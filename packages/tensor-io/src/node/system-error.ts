import { systemReason } from '../system-reason';
import { TensorFileError } from '../tensor-file-error';

/**
 * Makes a {@link TensorFileError} `<path>: cannot <action>: <reason> (<CODE>)` of an error of the system, which becomes
 * its cause. A TensorFileError is returned as it is.
 */
export function systemError(path: string, action: string, cause: unknown): TensorFileError {
  if (cause instanceof TensorFileError) return cause;
  const reason = systemReason(cause) ?? String((cause as Error)?.message ?? cause);
  return new TensorFileError(path, `cannot ${action}: ${reason}`, { cause });
}
