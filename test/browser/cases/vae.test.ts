// Autoencoders on a server, read, run in whole and in tiles and differentiated by a page on each engine of the browser.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mapParams, paramsToTensorData } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { decodeSafetensors, encodeSafetensors } from '@learngene/tensor-io';
import { encodeVaeFiles, initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '@learngene/vae';
import { readVae } from '@learngene/vae/node';
import { emojiVaeFolder } from '@learngene/vae-emoji/node';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { differences, type Numbers } from '../src/compare';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';

/** Largest difference to cpu, relative to the largest magnitude of a result. */
const TOLERANCE = 1e-5;

const small = { encoderWidths: [8, 8], encoderBlocks: [1, 1], decoderWidths: [8, 8], decoderBlocks: [1, 1] };
const configs: Record<string, VaeConfig> = {
  pooled: tinyVaeConfig('taef2', small),
  shuffle: tinyVaeConfig('shuffle', small),
  kl: klVaeConfig({ widths: [8, 8], normGroups: 4, blocksPerLevel: 1 }),
};
const names = Object.keys(configs);

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
const files: Record<string, Uint8Array> = {};
let page: string;
let server: Server;
let cpu: Numbers | undefined;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const g = createGenerator(1);
  for (const name of names) {
    const params = mapParams(
      (leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std: 0.05 }), leaf.shape)),
      initVae(g, configs[name]),
    );
    const encoded = encodeVaeFiles({ config: configs[name], tensors: await paramsToTensorData(params) });
    files[`/${name}/config.json`] = new TextEncoder().encode(encoded.config);
    files[`/${name}/${encoded.weights}`] = encodeSafetensors(encoded.tensors);
  }
  const weights = emojiVaeFolder();
  for (const name of ['config.json', 'model.safetensors']) files[`/emoji/${name}`] = readFileSync(join(weights, name));
  const heldOut = decodeSafetensors(readFileSync(join(weights, '..', 'fixtures', 'held-out.safetensors')));
  files['/emoji/picture'] = (heldOut.tensors.get('images')!.data as Uint8Array).slice(0, 64 * 64 * 3);
  page = await bundlePage(new URL('vae.page.ts', import.meta.url));
});

afterEach(() => server?.close());

/** Chromium's remark on a read-back while the GPU works; it costs time only. */
const READ_BACK = /GL Driver Message \(OpenGL, Performance, .*GPU stall due to ReadPixels/;

/** The numbers of the page on an engine, from a server of its own. */
async function numbersOn(engine: string, seconds: number): Promise<Numbers> {
  server = await serve({ '/': htmlOf('/page.js'), '/page.js': page, '/wasm/': { folder: wasm }, ...files });
  return runInPage<Numbers>(`${server.origin}/`, [engine, server.origin, names], { seconds, harmless: [READ_BACK] });
}

test('computes on cpu, and leaves nothing behind', { timeout: 90_000 }, async () => {
  cpu = await numbersOn('cpu', 80);
  expect(cpu['tensors left']).toEqual([0]);
  for (const name of names) {
    expect(cpu[`${name}: images`]).toHaveLength(12 * 12 * 3);
    expect(cpu[`${name}: images in tiles`]).toHaveLength(12 * 12 * 3);
    expect(Math.max(...cpu[`${name}: gradient`].map(Math.abs))).toBeGreaterThan(0);
    expect(cpu[`${name}: hash`]).toHaveLength(8);
  }
  const { hash } = await readVae(emojiVaeFolder());
  expect(cpu['emoji: hash']).toEqual(hash.match(/.{8}/g)!.map((digits) => Number.parseInt(digits, 16)));
  expect(cpu['emoji: images']).toHaveLength(64 * 64 * 3);
  expect(cpu['emoji: squared error'][0]).toBeLessThan(0.01);
});

test.each([
  ['wasm', 60],
  ['webgl', 120],
  ['webgpu', 240],
])('gives the numbers of cpu on %s', { timeout: 250_000 }, async (engine, seconds) => {
  if (!cpu) throw new Error('there are no numbers of cpu to compare with');
  const numbers = await numbersOn(engine, seconds);
  for (const line of differences(numbers, cpu, TOLERANCE)) expect.soft(line, `${engine} against cpu`).toBe('');
});
