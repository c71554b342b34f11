import { DatasetFileError } from './errors';

/** Whether the bytes begin as gzip does (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks gzip data whose first `headSize` unpacked bytes say how long it is. Stops as soon as there is more. Memory
 * grows with the data that is really there, and never beyond the length that the header claims.
 *
 * @param file - its name, for errors
 * @param lengthOf - returns the total length from the first bytes; throws where they are malformed
 * @throws DatasetFileError where the data is no gzip, is damaged, or longer than it says
 */
export async function gunzipDeclared(
  bytes: Uint8Array,
  { file, headSize, lengthOf }: { file: string; headSize: number; lengthOf: (head: Uint8Array) => number },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let limit = Number.POSITIVE_INFINITY;
  const reader = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new DatasetFileError(file, 'expected gzip data, got damaged or truncated ones', { cause });
    });
    if (done) break;
    pieces.push(value);
    length += value.length;
    if (limit === Number.POSITIVE_INFINITY && length >= headSize) {
      try {
        limit = lengthOf(concatBytes(pieces, length));
      } catch (error) {
        void reader.cancel().catch(() => {});
        throw error;
      }
    }
    if (length > limit) {
      void reader.cancel().catch(() => {});
      throw new DatasetFileError(file, `expected ${limit} bytes as its header says, got more`);
    }
  }
  return concatBytes(pieces, length);
}

function concatBytes(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
