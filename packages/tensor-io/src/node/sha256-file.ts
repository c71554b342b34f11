import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { systemError } from './system-error';

/** The SHA-256 of a file as 64 hexadecimal digits; reads it in pieces. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw systemError(path, 'read', cause);
  }
  return hash.digest('hex');
}
