import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { fixtureBytes } from '../test/expected';
import { httpSource } from './http-source';
import { encodeSafetensors } from './safetensors-encode';
import { openSafetensors } from './safetensors-file';
import { TensorFileError } from './tensor-file-error';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`;
}

/** Answers ranges of `bytes` as a server should, then lets `spoil` change the answer. */
function ranged(bytes: Uint8Array, spoil?: (answer: Answer, count: number) => void, log: string[] = []): Handler {
  return (request, response) => {
    const range = String(request.headers.range);
    log.push(range);
    const [start, last] = range.replace('bytes=', '').split('-').map(Number);
    const end = Math.min(last + 1, bytes.length);
    const answer: Answer = {
      status: 206,
      headers: {
        'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
        etag: '"1"',
        'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
      },
      body: bytes.slice(start, end),
    };
    if (bytes.length === 0) Object.assign(answer, { status: 416, headers: { 'content-range': 'bytes */0' } });
    spoil?.(answer, log.length);
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  };
}
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);

describe('httpSource', () => {
  test('reads ranges, what came when opening from memory', async () => {
    const log: string[] = [];
    const source = await httpSource(await serve(ranged(bytes, undefined, log)));
    expect(source.size).toBe(200_000);
    expect(await source.read(100, 50)).toEqual(bytes.slice(100, 150));
    expect(await source.read(150_000, 50_000)).toEqual(bytes.slice(150_000));
    expect(log).toEqual(['bytes=0-65535', 'bytes=150000-199999']);
    expect(await source.read(65_000, 1000)).toEqual(bytes.slice(65_000, 66_000));
    expect(await source.read(0, 200_000)).toEqual(bytes);
    expect(log.slice(2)).toEqual(['bytes=65536-65999', 'bytes=65536-199999']);
    await expect(source.read(199_999, 2)).rejects.toThrow(/lie beyond/);
    await source.close();
  });

  test('opens a safetensors file and an empty one', async () => {
    const file = await openSafetensors(await httpSource(new URL(await serve(ranged(fixtureBytes('all.safetensors'))))));
    expect((await file.read('i8.1d.5')).shape).toEqual([5]);
    expect((await httpSource(await serve(ranged(new Uint8Array(0))))).size).toBe(0);
  });

  test('reads one tensor of a large file by its bytes alone', async () => {
    const log: string[] = [];
    const data = Float32Array.from({ length: 60_000 }, (_, i) => i);
    const large = encodeSafetensors(
      new Map([
        ['a', { dtype: 'F32', shape: [60_000], data }],
        ['b', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
      ]),
    );
    const file = await openSafetensors(await httpSource(await serve(ranged(large, undefined, log))));
    expect((await file.read('b')).data).toEqual(Uint8Array.of(1, 2, 3));
    expect(log).toEqual(['bytes=0-65535', `bytes=${large.length - 3}-${large.length - 1}`]);
  });

  test.each<[string, (answer: Answer) => void, RegExp]>([
    [
      'ignores ranges',
      (a) => Object.assign(a, { status: 200, headers: { 'content-length': String(a.body.length) } }),
      /ignores range requests/,
    ],
    ['says 404', (a) => Object.assign(a, { status: 404 }), /expected status 206 to a range request, got 404/],
    ['says 416', (a) => Object.assign(a, { status: 416 }), /got 416/],
    ['says 500', (a) => Object.assign(a, { status: 500 }), /got 500/],
    ['sends no content-range', (a) => delete a.headers['content-range'], /expected a content-range header .* got null/],
    ['hides the size', (a) => (a.headers['content-range'] = 'bytes 0-65535/*'), /got "bytes 0-65535\/\*"/],
    [
      'sends another range',
      (a) => (a.headers['content-range'] = 'bytes 1-65535/200000'),
      /asked for bytes 0-65535, got/,
    ],
    [
      'sends less than it says',
      (a) => (a.body = a.body.slice(1)),
      /expected 65536 bytes, the answer ended after 65535/,
    ],
    ['sends more than it says', (a) => (a.body = new Uint8Array(70_000)), /expected 65536 bytes, the answer has more/],
    ['sends nothing', (a) => (a.body = new Uint8Array(0)), /ended after 0/],
  ])('names a server that %s', async (_, spoil, message) => {
    const url = await serve(ranged(bytes, spoil));
    await expect(httpSource(url)).rejects.toThrow(message);
    await expect(httpSource(url)).rejects.toThrow(TensorFileError);
    await expect(httpSource(url)).rejects.toThrow(url);
  });

  test.each<[string, (answer: Answer) => void, RegExp]>([
    ['changes its tag', (a) => (a.headers.etag = '"2"'), /changed on the server/],
    [
      'changes its date',
      (a) => (a.headers['last-modified'] = 'Tue, 02 Jan 2024 00:00:00 GMT'),
      /changed on the server/,
    ],
    ['becomes compressed', (a) => (a.headers['content-encoding'] = 'gzip'), /parts of a compressed file/],
    ['changes its size', (a) => (a.headers['content-range'] = 'bytes 100000-100009/300000'), /changed on the server/],
    ['stops to know ranges', (a) => (a.status = 200), /got 200/],
    ['is cut off', (a) => (a.body = a.body.slice(5)), /expected 10 bytes, the answer ended after 5/],
  ])('notices a file that %s between two reads', async (_, spoil, message) => {
    const source = await httpSource(await serve(ranged(bytes, (answer, count) => count > 1 && spoil(answer))));
    await expect(source.read(100_000, 10)).rejects.toThrow(message);
  });

  test('takes a whole small file where that is allowed', async () => {
    const small = bytes.slice(0, 1000);
    const whole: Handler = (_, response) => response.writeHead(200, { 'content-length': '1000' }).end(small);
    const source = await httpSource(await serve(whole), { maxWholeBytes: 1000 });
    expect(await source.read(990, 10)).toEqual(small.slice(990));
    await expect(httpSource(await serve(whole), { maxWholeBytes: 999 })).rejects.toThrow(
      'ignores range requests (status 200, file size 1000): it is longer than maxWholeBytes 999; raise that',
    );
    await expect(httpSource(await serve(whole))).rejects.toThrow(
      /file size 1000\).*set maxWholeBytes to read it whole/,
    );
  });

  /** 100 kB that compress well, so that content-length and file size have nothing to do with each other. */
  const even = new Uint8Array(100_000).fill(7);
  const codings: [string, (response: ServerResponse) => void][] = [
    ['of known length', (r) => void r.writeHead(200, { 'content-length': '100000' }).end(even)],
    [
      'in chunks of unknown length',
      (r) => {
        r.writeHead(200);
        r.write(even.subarray(0, 40_000));
        r.end(even.subarray(40_000));
      },
    ],
    [
      'compressed by gzip, of known length',
      (r) => {
        const body = gzipSync(even);
        r.writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(body.length) }).end(body);
      },
    ],
    [
      'compressed by br, in chunks',
      (r) => {
        r.writeHead(200, { 'content-encoding': 'br' });
        r.write(brotliCompressSync(even));
        r.end();
      },
    ],
    [
      'compressed to more bytes than it has',
      (r) => {
        const body = gzipSync(even, { level: 0 });
        r.writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(body.length) }).end(body);
      },
    ],
  ];
  test.each(codings)('takes a whole file %s, and counts the bytes of the file', async (_, answer) => {
    const url = await serve((_request, response) => answer(response));
    const source = await httpSource(url, { maxWholeBytes: 100_000 });
    expect(source.size).toBe(100_000);
    expect(await source.read(99_990, 10)).toEqual(even.slice(99_990));
    await expect(httpSource(url, { maxWholeBytes: 99_999 })).rejects.toThrow(
      /it is longer than maxWholeBytes 99999; raise that/,
    );
    await expect(httpSource(url)).rejects.toThrow(/set maxWholeBytes to read it whole, or download it/);
  });

  test('names a whole file that is cut off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.write(even, () => response.destroy());
    });
    await expect(httpSource(url, { maxWholeBytes: 1e6 })).rejects.toThrow(TensorFileError);
  });

  test('reads a compressed file whole where the server gives parts of its compressed form', async () => {
    const body = gzipSync(even);
    const url = await serve((request, response) => {
      const partly = request.headers.range !== undefined;
      const range = `bytes 0-${body.length - 1}/${body.length}`;
      response.writeHead(partly ? 206 : 200, {
        'content-encoding': 'gzip',
        ...(partly && { 'content-range': range }),
      });
      response.end(body);
    });
    await expect(httpSource(url)).rejects.toThrow(
      /parts of a compressed file \(content-encoding "gzip"\).*set maxWhole/,
    );
    expect((await httpSource(url, { maxWholeBytes: 1e6 })).size).toBe(100_000);
  });

  test('follows redirects with its range, and needs no HEAD', async () => {
    const target = await serve((request, response) => {
      if (request.method !== 'GET') response.writeHead(405).end();
      else ranged(bytes)(request, response);
    });
    const url = await serve((_, response) => void response.writeHead(302, { location: target }).end());
    const source = await httpSource(url);
    expect(source.size).toBe(200_000);
    expect(await source.read(150_000, 10)).toEqual(bytes.slice(150_000, 150_010));
  });

  test('sends headers, uses the given fetch, and ends on an abort with its reason', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      ranged(bytes)(request, response);
    });
    await httpSource(url, { headers: { authorization: 'Bearer x' } });
    expect(seen).toEqual(['Bearer x']);
    const failing = async () => Promise.reject(new TypeError('fetch failed'));
    await expect(httpSource(url, { fetch: failing })).rejects.toThrow(`${url}: the request failed: fetch failed`);
    const controller = new AbortController();
    const hanging = httpSource(await serve(() => {}), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(hanging).rejects.toThrow(/^enough$/);
  });

  test('names a connection that breaks in the middle', async () => {
    const url = await serve((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-65535/200000', 'content-length': '65536' });
      response.write(bytes.slice(0, 1000), () => response.destroy());
    });
    await expect(httpSource(url)).rejects.toThrow(TensorFileError);
  });
});
