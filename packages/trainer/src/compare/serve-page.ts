import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The page that is served. */
export interface ServedPage {
  /** A word that changes when the page does. */
  version(): string;
  /** The page as it is now. */
  render(): Promise<string>;
}

/** How a page is served. */
export interface ServePageOptions {
  /** The port (default: one that is free). */
  port?: number;
  /** An abort ends the server. */
  signal: AbortSignal;
  /** Is told where the page is, once it can be opened. */
  onListening?(url: string): void;
}

/** Seconds between two looks at whether the page has changed. */
const SECONDS = 3;

/** Puts a newer version of the page in the place of the old one; what is open and where one reads stays. */
const SCRIPT = `<script>
(() => {
  let version;
  const look = async () => {
    try {
      const now = await (await fetch('/version')).text();
      if (version === undefined || version === now) { version = now; return; }
      const page = new DOMParser().parseFromString(await (await fetch('/')).text(), 'text/html');
      version = now;
      const charts = (root) => root.querySelector('metadata.values') !== null;
      if (charts(page) && !charts(document)) return location.reload();
      const open = new Set([...document.querySelectorAll('details[open] > summary')].map((s) => s.textContent));
      for (const s of page.querySelectorAll('details > summary')) if (open.has(s.textContent)) s.parentElement.open = true;
      for (const part of ['header', 'main']) document.querySelector(part).replaceWith(page.querySelector(part));
      document.dispatchEvent(new Event('replaced'));
    } catch { /* the server has ended: the page stays as it is */ }
  };
  look();
  setInterval(look, ${1000 * SECONDS});
})();
</script>`;

/** Whether a request comes from a page of this server, and not by a name that somebody else made lead here. */
function isLocal({ headers: { host = '' } }: IncomingMessage, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

/**
 * Serves a page on 127.0.0.1 that reloads itself when it changes, until the signal aborts. Nothing else of this machine can be
 * fetched, and no other machine can reach it.
 *
 * @throws Error where the port cannot be had
 */
export async function servePage(page: ServedPage, { port = 0, signal, onListening }: ServePageOptions): Promise<void> {
  let kept: { version: string; text: Promise<string> } | undefined;
  const text = () => {
    const version = page.version();
    if (kept?.version !== version) kept = { version, text: page.render() };
    return kept.text;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { port: own } = server.address() as AddressInfo;
    const send = (status: number, type: string, body: string) => {
      const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' };
      response.writeHead(status, headers).end(body);
    };
    if (!isLocal(request, own)) return send(403, 'text/plain', 'only for 127.0.0.1');
    if (request.method !== 'GET') return send(405, 'text/plain', 'only GET');
    if (request.url === '/version') return send(200, 'text/plain', page.version());
    if (request.url !== '/') return send(404, 'text/plain', 'nothing here');
    send(
      200,
      'text/html',
      (await text()).replace('</body>', () => `${SCRIPT}</body>`),
    );
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      kept = undefined;
      response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' }).end(String(error));
    });
  });
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    server.on('error', (cause) => reject(new Error(`port ${port}: cannot serve on 127.0.0.1`, { cause })));
    signal.addEventListener('abort', () => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    server.listen({ host: '127.0.0.1', port }, () => {
      onListening?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    });
  });
}
