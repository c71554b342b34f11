import type { FetchPiece } from '@learngene/kind';
import { type HttpSourceOptions, httpSource } from '@learngene/tensor-io';

/** The largest kind.json, in bytes; larger ones are refused by `openBundle` too. */
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

/**
 * Fetches the files of a bundle on a server by range requests. A server that ignores ranges may answer with the whole
 * file.
 *
 * @param url - the bundle's folder, with or without a slash at its end
 * @param options - headers, signal, or another fetch
 */
export function httpBundle(url: string | URL, options: Omit<HttpSourceOptions, 'maxWholeBytes'> = {}): FetchPiece {
  const folder = new URL(url);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return async (file, expected) => {
    const maxWholeBytes = expected?.bytes ?? MAX_MANIFEST_BYTES;
    const at = new URL(file.split('/').map(encodeURIComponent).join('/'), folder);
    at.search = folder.search;
    const source = await httpSource(at.href, { ...options, maxWholeBytes });
    if (source.size > maxWholeBytes || (expected !== undefined && source.size !== expected.bytes)) {
      throw new Error(`expected ${expected === undefined ? 'at most ' : ''}${maxWholeBytes} bytes, got ${source.size}`);
    }
    return source.read(0, source.size);
  };
}
