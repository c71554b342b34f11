import { access, readFile } from 'node:fs/promises';
import { DatasetFileError } from './errors';

/** The content of a file; DatasetFileError where it cannot be read. */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(file);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    throw new DatasetFileError(
      file,
      code === 'ENOENT' ? 'expected a file, found none' : 'expected a file that can be read',
      {
        cause,
      },
    );
  }
}

/** Whether there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
