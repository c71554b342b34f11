import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';

/** A path that begins with the key is answered from the folder of that name, or is the content itself. */
export type Routes = Readonly<Record<string, { readonly folder: string } | string | Uint8Array>>;

/** A request as it was answered. */
export interface Request {
  /** Path of the URL, with its leading slash. */
  readonly path: string;
  /** HTTP status. */
  readonly status: number;
  /** First byte and the byte after the last one that were sent. */
  readonly start: number;
  readonly end: number;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** A server of one test. */
export interface Server {
  /** Such as http://127.0.0.1:41234, without a slash at the end. */
  readonly origin: string;
  /** All requests so far, in the order of their answers. */
  readonly requests: readonly Request[];
  close(): Promise<void>;
}

/** Headers that make a page cross-origin isolated. */
export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

/**
 * Serves files to the browser from this machine alone (127.0.0.1, a port that the system picks), whole or one range of
 * bytes (RFC 9110 section 14), with an entity tag; nothing is cached. Counts what was asked for.
 *
 * @param extra - headers of every answer, such as {@link ISOLATED}.
 */
export async function serve(routes: Routes, extra: Readonly<Record<string, string>> = {}): Promise<Server> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(extra)) response.setHeader(name, value);
    answer(routes, request, response).then(
      (done) => requests.push(done),
      (error) => response.destroy(error),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<Request> {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://127.0.0.1').pathname);
  const content = await contentOf(routes, path);
  if (!content) {
    response.writeHead(404).end(`no ${path}`);
    return { path, status: 404, start: 0, end: 0, size: 0 };
  }
  const size = content.length;
  const headers = {
    'content-type': TYPES[path.endsWith('/') ? '.html' : extname(path)] ?? 'application/octet-stream',
    'cache-control': 'no-store',
    'accept-ranges': 'bytes',
    etag: `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { ...headers, 'content-length': size }).end(content);
    return { path, status: 200, start: 0, end: size, size };
  }
  const start = Number(range[1]);
  const end = range[2] === '' ? size : Math.min(Number(range[2]) + 1, size);
  if (start >= end) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end();
    return { path, status: 416, start: 0, end: 0, size };
  }
  const part = { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}`, 'content-length': end - start };
  response.writeHead(206, part).end(content.subarray(start, end));
  return { path, status: 206, start, end, size };
}

/** The bytes at a path; undefined where there is no such file or it lies outside the folder. */
async function contentOf(routes: Routes, path: string): Promise<Buffer | undefined> {
  const key = Object.keys(routes)
    .filter((each) => path === each || (each.endsWith('/') && path.startsWith(each)))
    .sort((a, b) => b.length - a.length)[0];
  if (key === undefined) return undefined;
  const route = routes[key];
  if (typeof route === 'string' || route instanceof Uint8Array) return path === key ? Buffer.from(route) : undefined;
  const file = normalize(join(route.folder, path.slice(key.length)));
  if (!file.startsWith(normalize(route.folder + sep))) return undefined;
  return readFile(file).catch(() => undefined);
}
