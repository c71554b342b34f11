import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server of {@link hubServer} is told. */
export interface HubServerOptions {
  /** The repository: `owner/name`. */
  readonly repository: string;
  /** The content of its files. */
  files: Record<string, Uint8Array>;
  /** Names of the files that are kept as large ones, by their sha256 (default: those of weights). */
  readonly large?: (path: string) => boolean;
  /** The token without which it answers 401. */
  readonly token?: string;
  /** Sends files from here, as the Hub does from its store (default: itself). */
  readonly store?: string;
  /** Changes an entry of the list of files. */
  entry?: (entry: Record<string, unknown>) => Record<string, unknown>;
  /** Bytes of a file after which the connection breaks, by the number of its request. */
  breakAfter?: (request: number) => number | undefined;
  /** Sends whole files where a part is asked for. */
  ignoresRanges?: boolean;
  /** Answers everything so. */
  status?: number;
}

/** A request that came. */
export interface HubRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization?: string;
  readonly range?: string;
}

/** A server with the part of the Hub's HTTP interface that a download needs. */
export interface HubServer {
  readonly endpoint: string;
  readonly options: HubServerOptions;
  readonly requests: HubRequest[];
  readonly commit: string;
  close(): Promise<void>;
}

const isLarge = (path: string) => /\.(?:safetensors|bin|pt)$/.test(path);
const digest = (name: string, ...parts: (string | Uint8Array)[]) => {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Starts a server of one repository on a free port of this machine; its revision `main` is the hash of its files. */
export async function hubServer(options: HubServerOptions): Promise<HubServer> {
  const requests: HubRequest[] = [];
  const commit = () => digest('sha1', ...Object.entries(options.files).flat());
  let sent = 0;

  const list = () =>
    Object.entries(options.files).map(([path, content]) => {
      const large = (options.large ?? isLarge)(path);
      const oid = digest('sha1', `blob ${content.length}\0`, content);
      const lfs = large ? { lfs: { oid: digest('sha256', content), size: content.length, pointerSize: 130 } } : {};
      const entry = { type: 'file', path, size: content.length, oid, ...lfs };
      return options.entry?.(entry) ?? entry;
    });

  function sendFile(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
    const range = options.ignoresRanges ? undefined : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [start, end] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, content.length];
    const part = content.subarray(start, end);
    response.writeHead(range ? 206 : 200, {
      'content-length': part.length,
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${content.length}` }),
    });
    const most = options.breakAfter?.(sent++);
    if (most === undefined || most >= part.length) response.end(part);
    else response.write(part.subarray(0, most), () => setTimeout(() => response.destroy(), 20));
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, authorization: headers.authorization, range: headers.range });
    const json = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const asked = url.split('?', 1)[0];
    const file = /^\/(?:[^/]+\/[^/]+\/resolve\/[^/]+|store)\/(.*)$/.exec(asked)?.[1];
    const content = file === undefined ? undefined : options.files[decodeURIComponent(file)];
    const isStore = asked.startsWith('/store/');
    const isAllowed = isStore || options.token === undefined || headers.authorization === `Bearer ${options.token}`;
    const api = `/api/models/${options.repository}`;
    if (options.status !== undefined) json(options.status, { error: `no ${headers.authorization}` });
    else if (!isAllowed) json(401, { error: `Invalid credentials: ${headers.authorization}` });
    else if (asked === `${api}/revision/main` || asked === `${api}/revision/${commit()}`) {
      json(200, { _id: '1', id: options.repository, sha: commit() });
    } else if (asked === `${api}/tree/${commit()}`) json(200, list());
    else if (content === undefined) json(404, { error: 'Repository not found' });
    else if (isStore || options.store === undefined) sendFile(request, response, content);
    else response.writeHead(302, { location: `${options.store}/store/${file}` }).end();
  }

  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    options,
    requests,
    get commit() {
      return commit();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
