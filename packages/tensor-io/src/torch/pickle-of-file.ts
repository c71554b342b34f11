import { PickleCutOff, PickleRefusal } from '../pickle/cursor';
import { type Unpickled, unpickle } from '../pickle/unpickle';
import type { PickleResolver } from '../pickle/values';
import { TensorFileError } from '../tensor-file-error';

/** The longest pickle. That of a checkpoint of 10,000 tensors with its optimiser has 3 MB. */
export const MAX_PICKLE_BYTES = 2 ** 26;

/**
 * Reads a pickle of a file; undefined where the bytes end before it does.
 *
 * @throws TensorFileError that names the file
 */
export function tryUnpickle(
  file: string,
  bytes: Uint8Array,
  resolver: PickleResolver,
  start = 0,
): Unpickled | undefined {
  try {
    return unpickle(bytes, resolver, start);
  } catch (cause) {
    if (cause instanceof PickleCutOff) return undefined;
    if (!(cause instanceof PickleRefusal)) throw cause;
    throw new TensorFileError(file, `pickle ${cause.message}`, { cause });
  }
}
