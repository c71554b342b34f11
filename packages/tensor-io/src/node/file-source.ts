import { open } from 'node:fs/promises';
import { allocate, type ByteSource, checkRange } from '../byte-source';
import { TensorFileError } from '../tensor-file-error';
import { systemError } from './system-error';

/** The system reads less than 2 GiB at a time. */
const MAX_READ = 2 ** 30;

/**
 * Opens a file on disk as a source; the caller closes it. The size is read when the file is opened; a file that shrinks
 * later is an error.
 * @throws {@link TensorFileError} where the path cannot be opened or is no regular file.
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw systemError(path, 'open', cause);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new TensorFileError(path, 'cannot open: it is no regular file');
    return {
      name: path,
      size: stats.size,
      async read(offset, length) {
        checkRange(path, stats.size, offset, length);
        const result = allocate(path, length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await handle
            .read(result, filled, Math.min(length - filled, MAX_READ), offset + filled)
            .catch((cause: unknown) => {
              throw systemError(path, 'read', cause);
            });
          if (bytesRead === 0) throw new TensorFileError(path, `ended at byte ${offset + filled} while it was read`);
          filled += bytesRead;
        }
        return result;
      },
      close: () => handle.close(),
    };
  } catch (cause) {
    await handle.close();
    throw systemError(path, 'open', cause);
  }
}
