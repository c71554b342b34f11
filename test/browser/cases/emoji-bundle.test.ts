// The shipped bundle on a server: a page draws one class of it, and fetches no more than that takes.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emojiBundleFolder } from '@learngene/emoji-bundle/node';
import { openSafetensorsFile } from '@learngene/tensor-io/node';
import { emojiVaeFolder } from '@learngene/vae-emoji/node';
import { afterEach, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';
import type { Drawn } from './emoji-bundle.page';

/** Levels of 255 between the pictures of two engines. */
const TOLERANCE = 2;
const MEGABYTE = 1e6;

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
let server: Server;

afterEach(() => server?.close());

test('a class of the shipped bundle is drawn on wasm, for less than 6 MB', { timeout: 120_000 }, async () => {
  const file = await openSafetensorsFile(join(emojiBundleFolder(), '..', 'fixtures', 'drawn.safetensors'));
  const [seed, steps] = [file.metadata.seed, file.metadata.steps].map(Number);
  const drawn = (await file.read('images')).data as Uint8Array; // on native: the heart, then a clock
  await file.close();
  const routes = { '/bundle/': { folder: emojiBundleFolder() }, '/weights/': { folder: emojiVaeFolder() } };
  const page = await bundlePage(new URL('emoji-bundle.page.ts', import.meta.url));
  server = await serve({ '/': htmlOf('/page.js'), '/page.js': page, '/wasm/': { folder: wasm }, ...routes });
  const found = await runInPage<Drawn>(`${server.origin}/`, ['wasm', server.origin, { seed, steps }], { seconds: 100 });

  expect(found).toMatchObject({ shape: [1, 64, 64, 3], tensors: 0 });
  const farthest = found.bytes.reduce((most, value, i) => Math.max(most, Math.abs(value - drawn[i])), 0);
  expect(farthest).toBeLessThanOrEqual(TOLERANCE);
  const fetched = server.requests.filter(({ path }) => /^\/(bundle|weights)\//.test(path));
  expect(new Set(fetched.map(({ path }) => path).filter((path) => path.includes('tailors')))).toEqual(
    new Set(['/bundle/tailors/heart.safetensors']),
  );
  const bytes = fetched.reduce((sum, { start, end }) => sum + end - start, 0);
  expect(bytes).toBeGreaterThan(5 * MEGABYTE);
  expect(bytes).toBeLessThan(6 * MEGABYTE);
});
