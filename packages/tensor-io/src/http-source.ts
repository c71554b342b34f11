import { checkLimit, checkOptions } from './arguments';
import { allocate, type ByteSource, checkRange } from './byte-source';
import { concatBytes } from './concat-bytes';
import { shown, TensorFileError } from './tensor-file-error';

/** Options of {@link httpSource}. */
export interface HttpSourceOptions {
  /** Used in place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Headers of every request, for example an authorization. */
  headers?: Readonly<Record<string, string>>;
  /** Aborts every request; its reason is thrown as it is. */
  signal?: AbortSignal;
  /**
   * What to do with a server that ignores ranges and answers with the whole file. A file of up to this many bytes
   * (after decompression) is kept in memory and read from there. A larger one is an error. The default 0 makes it
   * always an error.
   */
  maxWholeBytes?: number;
}

/** Bytes that are fetched when the source is opened, and kept for the reads that follow: most headers fit. */
const FIRST_BYTES = 65536;

/**
 * What must be the same in every response. Another size, entity tag or date means that the file changed between two
 * reads.
 */
interface Identity {
  readonly size: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

function identityOf(response: Response, size: number): Identity {
  return { size, etag: response.headers.get('etag'), lastModified: response.headers.get('last-modified') };
}

/** Whether two responses may belong to the same file. A field that one of them lacks is not compared. */
function isSameFile(a: Identity, b: Identity): boolean {
  const agree = (x: string | null, y: string | null) => x === null || y === null || x === y;
  return a.size === b.size && agree(a.etag, b.etag) && agree(a.lastModified, b.lastModified);
}

/** Reads the body, which must have exactly `length` bytes. Stops as soon as there are more. */
async function readBody(file: string, response: Response, length: number): Promise<Uint8Array> {
  const result = allocate(file, length);
  let filled = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || !value) break;
      if (filled + value.length > length)
        throw new TensorFileError(file, `expected ${length} bytes, the answer has more`);
      result.set(value, filled);
      filled += value.length;
    }
  } catch (error) {
    await reader?.cancel().catch(() => {});
    throw error;
  }
  if (filled !== length) throw new TensorFileError(file, `expected ${length} bytes, the answer ended after ${filled}`);
  return result;
}

/** Parses and checks `content-range: bytes start-end/size`. */
function checkContentRange(file: string, response: Response, offset: number, length: number): Identity {
  const header = response.headers.get('content-range');
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? '');
  if (!match) {
    const hint = header === null ? ' (a server of another origin must expose it)' : '';
    throw new TensorFileError(
      file,
      `expected a content-range header with the file's size, got ${shown(header)}${hint}`,
    );
  }
  const [start, end, size] = match.slice(1).map(Number);
  if (start !== offset || end !== Math.min(offset + length, size) - 1) {
    throw new TensorFileError(file, `asked for bytes ${offset}-${offset + length - 1}, got ${shown(header)}`);
  }
  return identityOf(response, size);
}

/** The content coding of a body (gzip, br), which fetch decodes; undefined for none. */
function codingOf(response: Response): string | undefined {
  const coding = response.headers.get('content-encoding');
  return coding === null || coding === 'identity' ? undefined : coding;
}

/**
 * Reads the whole file from a response. Only the body tells its length: a chunked response has no content-length, and
 * that of a compressed one counts the compressed bytes. fetch reports a connection that closes too early. It does not
 * report compressed data that ends too early within a complete response (Node's decoder takes what came). The checks of
 * safetensors, npy and zip then find that the file is too short.
 */
async function wholeFile(file: string, response: Response, limit: number): Promise<Uint8Array> {
  const header = codingOf(response) === undefined ? response.headers.get('content-length') : null;
  const declared = header === null ? 'unknown' : header.slice(0, 20);
  const refuse = (problem: string): never => {
    throw new TensorFileError(
      file,
      `the server ignores range requests (status 200, file size ${declared}): ${problem}`,
    );
  };
  const tooLong = `it is longer than maxWholeBytes ${limit}; raise that, or download the file`;
  if (limit <= 0 || Number(header) > limit) {
    await response.body?.cancel();
    refuse(limit > 0 ? tooLong : 'it cannot be read in parts; set maxWholeBytes to read it whole, or download it');
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) break;
    length += value.length;
    if (length > limit) {
      await reader?.cancel().catch(() => {});
      refuse(tooLong);
    }
    pieces.push(value);
  }
  return concatBytes(pieces);
}

/**
 * Opens a URL as a source. It is read by HTTP range requests (RFC 9110 section 14) with GET; redirects are followed.
 * The first 64 KiB are fetched at once. Every read checks the status, the content-range, the length of the body, and
 * that size, entity tag and date are still the same. The length of a whole file that was sent compressed cannot be
 * checked.
 * @throws {@link TensorFileError} where the server refuses, ignores ranges, or sends other or fewer bytes than asked
 *   for, and for a wrong option.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const file = String(url);
  checkOptions(file, options, ['fetch', 'headers', 'signal', 'maxWholeBytes']);
  const { fetch = globalThis.fetch, headers, signal, maxWholeBytes = 0 } = options;
  checkLimit(file, 'maxWholeBytes', maxWholeBytes);

  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (cause instanceof TensorFileError) throw cause;
      throw new TensorFileError(file, `the request failed: ${(cause as Error).message}`, { cause });
    }
  };
  const get = (more: Readonly<Record<string, string>>) =>
    fetch(file, { headers: { ...headers, ...more }, ...(signal ? { signal } : {}) });
  const request = (offset: number, length: number) =>
    get({ range: `bytes=${offset}-${offset + length - 1}`, 'accept-encoding': 'identity' });
  const refuse = async (response: Response): Promise<never> => {
    await response.body?.cancel();
    throw new TensorFileError(file, `expected status 206 to a range request, got ${response.status}`);
  };

  const refuseCoded = (response: Response): never => {
    const problem = `the server answers with parts of a compressed file (content-encoding ${shown(codingOf(response))})`;
    throw new TensorFileError(file, `${problem}: it cannot be read in parts; set maxWholeBytes to read it whole`);
  };

  const open = async (): Promise<{ first: Uint8Array; identity: Identity }> => {
    const asked = await request(0, FIRST_BYTES);
    const isCoded = asked.status === 206 && codingOf(asked) !== undefined;
    if (isCoded) await asked.body?.cancel();
    if (isCoded && maxWholeBytes <= 0) refuseCoded(asked);
    const response = isCoded ? await get({}) : asked;
    if (response.status === 200) {
      const first = await wholeFile(file, response, maxWholeBytes);
      return { first, identity: identityOf(response, first.length) };
    }
    // No range of an empty file can be satisfied.
    if (response.status === 416 && response.headers.get('content-range') === 'bytes */0') {
      await response.body?.cancel();
      return { first: new Uint8Array(0), identity: identityOf(response, 0) };
    }
    if (response.status !== 206) return refuse(response);
    const identity = checkContentRange(file, response, 0, FIRST_BYTES);
    return { first: await readBody(file, response, Math.min(FIRST_BYTES, identity.size)), identity };
  };
  const { first, identity } = await guarded(open);

  const readRange = async (offset: number, length: number): Promise<Uint8Array> => {
    const response = await request(offset, length);
    if (response.status !== 206) return refuse(response);
    if (codingOf(response) !== undefined) {
      await response.body?.cancel();
      refuseCoded(response);
    }
    const now = checkContentRange(file, response, offset, length);
    if (!isSameFile(now, identity)) {
      await response.body?.cancel();
      throw new TensorFileError(file, 'the file changed on the server between two reads');
    }
    return readBody(file, response, length);
  };
  return {
    name: file,
    size: identity.size,
    async read(offset, length) {
      checkRange(file, identity.size, offset, length);
      const kept = first.subarray(offset, offset + length);
      if (kept.length === length) return kept.slice();
      if (kept.length === 0) return guarded(() => readRange(offset, length));
      const result = allocate(file, length);
      result.set(kept);
      result.set(await guarded(() => readRange(first.length, length - kept.length)), kept.length);
      return result;
    },
    async close() {},
  };
}
