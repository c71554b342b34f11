// Every entry for browsers as the browser's own modules, without a bundler.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterEach, expect, it as test } from 'vitest';
import { servePackages } from '../src/import-map';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';

let server: Server;
afterEach(() => server?.close());

test('loads the built packages by an import map, with the exports that they have in Node, on one tfjs', async () => {
  const { entries, imports, routes } = await servePackages();
  const source = await readFile(new URL('import-map.page.ts', import.meta.url), 'utf8');
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'es2022' });
  server = await serve({
    ...routes,
    '/': `<!doctype html><title>test</title><link rel="icon" href="data:,">
      <script type="importmap">${JSON.stringify({ imports })}</script>
      <script type="module" src="/page.js"></script>`,
    '/page.js': code,
  });
  const names = entries.map(({ name }) => name);
  const answer = await runInPage(`${server.origin}/`, [names], { seconds: 60 });

  const exported: Record<string, string[]> = {};
  for (const { name, file } of entries) {
    exported[name] = Object.keys(await import(pathToFileURL(file).href)).sort();
  }
  expect(names).toContain('@learngene/kind');
  expect(answer).toEqual({ exported, gradient: [2, 4, 6], wasmKernel: true });
});
