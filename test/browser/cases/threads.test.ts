// The threads of the engine wasm: in an isolated page, in one that is not, and under policies that forbid them.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import { ISOLATED, type Server, serve } from '../src/serve';
import type { Outcome } from './threads.page';

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
let page: string;
let server: Server;

beforeAll(async () => {
  page = await bundlePage(new URL('threads.page.ts', import.meta.url));
});

afterEach(() => server?.close());

interface InPage {
  readonly threads?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly harmless?: readonly RegExp[];
}

async function inPage({ threads, headers = ISOLATED, folder = wasm, harmless = [] }: InPage): Promise<Outcome> {
  server = await serve({ '/': htmlOf('/page.js'), '/page.js': page, '/wasm/': { folder } }, headers);
  const args = threads === undefined ? [] : [threads];
  const outcome = await runInPage<Outcome>(`${server.origin}/`, args, { seconds: 40, harmless });
  await server.close();
  return outcome;
}

test('an isolated page computes on threads, the same bits on any number of them', async () => {
  const alone = await inPage({ threads: 1 });
  expect(alone).toMatchObject({ detail: 'WebAssembly SIMD, 1 thread', isolated: true, shared: false });
  expect(alone.numbers?.flat().every(Number.isFinite)).toBe(true);
  for (const threads of [2, 3]) {
    const { detail, numbers, shared } = await inPage({ threads });
    expect({ detail, shared }).toEqual({ detail: `WebAssembly SIMD, ${threads} threads`, shared: true });
    expect(numbers).toEqual(alone.numbers);
  }
  expect((await inPage({})).detail).toMatch(/^WebAssembly SIMD, \d+ threads?$/);
});

test('a page that is not isolated computes on one thread and says why, or refuses the number', async () => {
  const reason = 'the page is not cross-origin isolated';
  expect(await inPage({ headers: {} })).toMatchObject({
    detail: expect.stringMatching(new RegExp(`^WebAssembly SIMD, 1 thread( \\(${reason}\\))?$`)),
    isolated: false,
    shared: false,
  });
  expect(await inPage({ headers: {}, threads: 2 })).toEqual({
    reason,
    remedy: expect.stringContaining('Cross-Origin-Opener-Policy: same-origin'),
    isolated: false,
  });
});

test.each([
  ["worker-src 'none'", /^workers could not be started/],
  ["connect-src 'self'", /^blob: URLs cannot be fetched/],
])('under the policy %s the number is refused, with the reason', async (policy, reason) => {
  const headers = { ...ISOLATED, 'content-security-policy': policy };
  expect(await inPage({ threads: 2, headers, harmless: [/Content.Security.Policy|violates/i] })).toEqual({
    reason: expect.stringMatching(reason),
    remedy: "allow blob: in worker-src and connect-src of the page's Content-Security-Policy",
    isolated: true,
  });
});

test('without the file the number is refused, and the path is named', async () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  expect(await inPage({ threads: 2, folder, harmless: [/404/] })).toMatchObject({
    reason: '/wasm/tfjs-backend-wasm-simd.wasm: expected the file, got status 404',
    remedy: 'say where that file is served by the option wasmPaths',
  });
});
