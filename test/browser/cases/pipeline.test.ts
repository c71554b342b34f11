// `openPipeline` in a page: a bundle on a server, of which two classes are fetched, composed to a budget and sampled.
import { bundleMetadata, parseConfig } from '@learngene/pipeline';
import { afterEach, beforeAll, expect, it as test } from 'vitest';
import { bundlePage } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import type { Server } from '../src/serve';
import { type Bundle, makeBundle, serveBundle } from '../src/served-bundle';
import type { Found } from './pipeline.page';

let bundle: Bundle;
let page: string;
let server: Server;
let cpu: Found | undefined;

beforeAll(async () => {
  const groups = [
    { name: 'cats', classes: [3, 0], classNames: ['cats 0', 'cats 1'] },
    { name: 'dogs', classes: [1] },
    { name: 'owls', classes: [2] },
  ];
  const recipe = parseConfig({ diffusion: { timesteps: 20 }, sampling: { steps: 3, guidance: 2 } }, 'recipe');
  bundle = await makeBundle(groups, bundleMetadata(recipe));
  page = await bundlePage(new URL('pipeline.page.ts', import.meta.url));
});

afterEach(() => server?.close());

test.each([
  ['cpu', 60],
  ['wasm', 60],
])('composes and samples on %s', { timeout: 90_000 }, async (engine, seconds) => {
  server = await serveBundle(page, bundle);
  const found = await runInPage<Found>(`${server.origin}/`, [engine, `${server.origin}/bundle`], { seconds });
  const fetched = new Set(server.requests.map(({ path }) => path).filter((path) => path.startsWith('/bundle/')));
  expect([...fetched].sort()).toEqual(
    [
      'kind.json',
      'learngenes.safetensors',
      'shared.safetensors',
      'tailors/cats.safetensors',
      'tailors/owls.safetensors',
    ].map((file) => `/bundle/${file}`),
  );
  expect(found).toMatchObject({ classNames: ['cats 0', 'cats 1', 'owls'], shape: [4, 8, 8, 3], steps: 3, tensors: 0 });
  expect(found.parameters).toBeLessThanOrEqual(56_000);
  expect(found.parameters).toBeGreaterThan(50_000);
  expect(found.refused).toMatch(
    /^ConfigError: classes: the model has no class "dogs"; it has "cats 0", "cats 1", "owls"/,
  );
  expect(new Set(found.bytes).size).toBeGreaterThan(50);
  cpu ??= found;
  const distance = found.bytes.map((value, i) => Math.abs(value - (cpu as Found).bytes[i]));
  expect(Math.max(...distance)).toBeLessThanOrEqual(1); // sums of another order, then rounded to bytes
});
