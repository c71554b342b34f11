import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it as test } from 'vitest';
import { type Server, serve } from './serve';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'learngene-serve-'));
  writeFileSync(
    join(folder, 'a b.bin'),
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  server = await serve({ '/': '<p>page</p>', '/files/': { folder } });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function get(path: string, range?: string) {
  const response = await fetch(server.origin + path, { headers: range ? { range } : {} });
  const body = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, range: response.headers.get('content-range'), body: [...body] };
}

test('answers whole files and ranges, and counts them', async () => {
  expect((await get('/')).body).toEqual([...Buffer.from('<p>page</p>')]);
  expect((await get('/files/a%20b.bin')).body).toHaveLength(100);
  expect(await get('/files/a%20b.bin', 'bytes=3-5')).toEqual({ status: 206, range: 'bytes 3-5/100', body: [3, 4, 5] });
  expect(await get('/files/a%20b.bin', 'bytes=98-')).toEqual({ status: 206, range: 'bytes 98-99/100', body: [98, 99] });
  expect((await get('/files/a%20b.bin', 'bytes=90-1000')).range).toBe('bytes 90-99/100');
  expect(await get('/files/a%20b.bin', 'bytes=100-')).toEqual({ status: 416, range: 'bytes */100', body: [] });
  expect(server.requests.slice(0, 3)).toEqual([
    { path: '/', status: 200, start: 0, end: 11, size: 11 },
    { path: '/files/a b.bin', status: 200, start: 0, end: 100, size: 100 },
    { path: '/files/a b.bin', status: 206, start: 3, end: 6, size: 100 },
  ]);
});

test('gives nothing that is not there or lies outside its folders', async () => {
  expect((await get('/nothing')).status).toBe(404);
  expect((await get('/files/nothing')).status).toBe(404);
  expect((await get('/files/')).status).toBe(404);
  const status = await new Promise((resolve, reject) => {
    // Not through fetch, which resolves the dots itself.
    const url = new URL(server.origin);
    request({ host: url.hostname, port: url.port, path: '/files/..%2f..%2fetc/passwd' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(404);
});
