// `openPipeline` in a page: a bundle on a server, of which two classes are fetched, composed to a budget and sampled.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ditConfig } from '@learngene/dit';
import { decomposeKind, initKind, kindConfig } from '@learngene/kind';
import { mapParams } from '@learngene/nn';
import { bundleMetadata, parseConfig } from '@learngene/pipeline';
import { createGenerator, normal } from '@learngene/random';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';
import type { Found } from './pipeline.page';

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
let bundle: ReadonlyMap<string, Uint8Array>;
let page: string;
let server: Server;
let cpu: Found | undefined;

/** A small model whose every weight matters, with a recipe. */
async function makeBundle(): Promise<ReadonlyMap<string, Uint8Array>> {
  await tf.setBackend('cpu');
  const dit = ditConfig({ inputSize: 8, patchSize: 2, inChannels: 3, hiddenSize: 48, depth: 2, heads: 4, classes: 4 });
  const groups = [
    { name: 'cats', classes: [3, 0], classNames: ['cats 0', 'cats 1'] },
    { name: 'dogs', classes: [1] },
    { name: 'owls', classes: [2] },
  ];
  const config = kindConfig({ dit: { ...dit, learnSigma: false }, learngeneRank: 16, tailorRank: 10, groups });
  const g = createGenerator(1);
  const params = mapParams(
    (leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std: 0.1 }), leaf.shape)),
    initKind(g, config),
  );
  const recipe = parseConfig({ diffusion: { timesteps: 20 }, sampling: { steps: 3, guidance: 2 } }, 'recipe');
  return decomposeKind({ config, params }, bundleMetadata(recipe));
}

beforeAll(async () => {
  bundle = await makeBundle();
  page = await bundlePage(new URL('pipeline.page.ts', import.meta.url));
});

afterEach(() => server?.close());

test.each([
  ['cpu', 60],
  ['wasm', 60],
])('composes and samples on %s', { timeout: 90_000 }, async (engine, seconds) => {
  server = await serve({
    '/': htmlOf('/page.js'),
    '/page.js': page,
    '/wasm/': { folder: wasm },
    ...Object.fromEntries([...bundle].map(([file, bytes]) => [`/bundle/${file}`, bytes])),
  });
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
